/**
 * A document as a reader sees it, before it is HTML or PDF: every text is ready in its language, so both forms say the
 * same. Renderers add nothing and leave nothing out.
 */
import type { Language } from "../rules/explain-texts.ts";

export interface Document {
  language: Language;
  /** A credit note is marked as one on sight. */
  kind: "receipt" | "credit_note" | "statement";
  /** "Receipt", "Kreditnota". */
  title: string;
  /** What people quote: the CDR id, or the month and whose it is. */
  number: string;
  /** First line is the name, the rest address and registration numbers. */
  issuer: string[];
  /** Three or four figures that most readers came for; the last one is the amount. */
  highlights: Labelled[];
  blocks: Block[];
  /** Repeated on every page. */
  footer: string;
  /** ms since the epoch; of the bill's end, never of the printing, so that the same bill gives the same bytes. */
  datedMs: number;
}

export interface Labelled {
  label: string;
  value: string;
}

export type Block =
  | { kind: "facts"; heading: string; facts: Labelled[] }
  | { kind: "table"; heading: string; caption: string; columns: Column[]; rows: Row[]; foot: Row[] }
  /** `attention`: a reader should look twice. */
  | { kind: "notes"; heading: string; attention?: true; notes: string[] };

export interface Column {
  head: string;
  align: "start" | "end";
  /** Share of the table's width. */
  share: number;
}

export interface Row {
  /** As many as there are columns; the first one heads its row. */
  cells: string[];
  /** Small print below the row. */
  notes?: string[];
  /** What is asked for. */
  strong?: true;
}
