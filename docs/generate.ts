/** Writes the pages and schemas that follow from the code: `node docs/generate.ts`. A test compares them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ConfigFile } from "../src/config/schema.ts";
import { ERRORS } from "../src/errors.ts";
import { AllocationSnapshot } from "../src/model/allocation-snapshot.ts";
import { CdrSchema } from "../src/model/cdr-schema.ts";
import { SignedReceipt } from "../src/model/summary.ts";
import { SummarySchema } from "../src/model/summary-schema.ts";
import { configPage } from "./generate-config.ts";
import { privacyPage } from "./generate-privacy.ts";
import { MESSAGES, topicsPage } from "./generate-topics.ts";

/** File names relative to docs/ with their content. */
export function documents(): Map<string, string> {
  const pages: [string, string][] = [
    ["errors.md", errorsPage()],
    ["config.md", configPage()],
    ["topics.md", topicsPage()],
    ["privacy.md", privacyPage()],
    ["schemas/config.json", schemaText("Laddport config file", ConfigFile)],
    ["schemas/allocation-snapshot.json", schemaText("Laddport allocation snapshot", AllocationSnapshot)],
    ["schemas/cdr.json", schemaText("Laddport charge detail record", CdrSchema, "output")],
    ["schemas/signed-receipt.json", schemaText("Laddport signed receipt", SignedReceipt)],
    ["schemas/summary.json", schemaText("Laddport sealed summary, opened", SummarySchema, "output")],
    ...MESSAGES.map(({ name, schema }): [string, string] => [
      `schemas/${name}.json`,
      schemaText(name, schema),
    ]),
  ];
  return new Map(pages);
}

/** JSON Schema 2020-12: of what may be written, so that defaults are not required, or of what comes out. */
function schemaText(title: string, schema: z.ZodType, io: "input" | "output" = "input"): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}

const FAMILIES: Record<string, string> = {
  LP1: "Config file",
  LP2: "Electrical",
  LP3: "Files and certificates",
  LP4: "Messages from stations",
  LP5: "Log and storage",
  LP6: "Upstream and time series",
  LP7: "Flows",
  LP8: "Command line",
};

function errorsPage(): string {
  const parts = [
    "# Error codes",
    "A code never changes its meaning. The names of LP40x are the `code` of `rejected` messages and quarantine entries; " +
      "alerts and refused connections carry the names of LP42x, LP43x, LP44x, LP60x, LP845, LP880 and LP881 in lower case.",
  ];
  for (const [family, title] of Object.entries(FAMILIES)) {
    parts.push(`## ${family}xx ${title}`);
    for (const [code, entry] of Object.entries(ERRORS).filter(([code]) => code.startsWith(family))) {
      parts.push(`### ${code} ${entry.name}`, entry.meaning, `**What to do:** ${entry.action}`);
    }
  }
  return `${parts.join("\n\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, content] of documents()) {
    const file = fileURLToPath(new URL(name, import.meta.url));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
