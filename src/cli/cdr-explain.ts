/** `laddport cdr explain`: a bill in words. */
import { explainCdr } from "../rules/explain.ts";
import type { Language } from "../rules/explain-texts.ts";
import { completeCdr } from "../rules/older-cdr.ts";
import { billText } from "./bill-text.ts";
import { findCdr, noCdr } from "./cdr-log.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, printable } from "./output.ts";

export interface ExplainOptions {
  data: string;
  id: string;
  lang: Language;
  json?: boolean;
}

export async function cdrExplain(options: ExplainOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const found = await findCdr(reader, options.id);
  await reader.close();
  if (!found) {
    io.stderr.write(await noCdr(options.data, options.id));
    return EXIT.failed;
  }
  const bill = explainCdr(completeCdr(found.body), { language: options.lang });
  io.stdout.write(options.json ? `${JSON.stringify(bill)}\n` : printable(`${billText(bill).join("\n")}\n`));
  return EXIT.ok;
}
