/** What a document says, text by text: every form of it must say the same. */
import type { Document } from "../../src/documents/document.ts";

export function textsOf(document: Document): string[] {
  const labelled = (pairs: readonly { label: string; value: string }[]) =>
    pairs.flatMap(({ label, value }) => [label, value]);
  return [
    document.title,
    document.number,
    ...document.issuer,
    ...labelled(document.highlights),
    ...document.blocks.flatMap((block) => {
      if (block.kind === "facts") return [block.heading, ...labelled(block.facts)];
      if (block.kind === "notes") return [block.heading, ...block.notes];
      const rows = [...block.rows, ...block.foot].flatMap(({ cells, notes }) => [...cells, ...(notes ?? [])]);
      return [block.heading, block.caption, ...block.columns.map(({ head }) => head), ...rows];
    }),
  ].filter((text) => text !== "");
}

/** Without white space: where lines are broken is no difference. */
export const packed = (text: string) => text.replace(/[\s\u00a0]+/g, "");
