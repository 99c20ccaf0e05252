/** The options of `laddport cdr`. */
import { Command, InvalidArgumentError, Option } from "commander";
import { LANGUAGES, type Language } from "../rules/explain-texts.ts";
import type { ListOptions } from "./cdr.ts";
import type { SignedOptions } from "./cdr-signed.ts";
import type { CommandIo } from "./output.ts";

interface OneOptions {
  data: string;
  reason?: string;
  json?: boolean;
}

export function cdrCommand(io: CommandIo): Command {
  const cdr = new Command("cdr").exitOverride().description("bills: charge detail records");
  const sub = (name: string, what: string) =>
    cdr
      .command(name)
      .description(what)
      .addOption(new Option("--data <dir>", "the data directory").default("data"))
      .addOption(new Option("--json", "machine-readable output"));
  sub("list", "newest first")
    .option("--limit <n>", "how many", count, 20)
    .option("--from <time>", "starting at this day of the site or RFC 3339 time, or later")
    .option("--to <time>", "starting at this day of the site or RFC 3339 time, or earlier")
    .action(async (options: ListOptions) => {
      const { cdrList } = await import("./cdr.ts");
      process.exitCode = await cdrList(options, io);
    });
  sub("show", "one CDR as it is stored, in OCPI's names")
    .argument("<id>", "of the CDR or its session")
    .option("--reason <text>", "why you look: it stays in the audit trail")
    .action(async (id: string, options: OneOptions) => {
      const { cdrShow } = await import("./cdr.ts");
      process.exitCode = await cdrShow({ ...options, id }, io);
    });
  sub("explain", "where each amount of a CDR comes from")
    .argument("<id>", "of the CDR or its session")
    .addOption(new Option("--lang <language>", "of the sentences").choices(LANGUAGES).default("en"))
    .action(async (id: string, options: OneOptions & { lang: Language }) => {
      const { cdrExplain } = await import("./cdr-explain.ts");
      process.exitCode = await cdrExplain({ ...options, id }, io);
    });
  sub("verify", "rate again and compare: exit 1 when a CDR differs, 3 when only the rules do")
    .argument("[id]", "of the CDR or its session")
    .option("--all", "every CDR of the log")
    .option("--no-samples", "without reading the samples again")
    .action(async (id: string | undefined, options: OneOptions & { all?: boolean; samples: boolean }) => {
      const { cdrVerify } = await import("./cdr-verify.ts");
      const progress = process.stderr.isTTY === true;
      process.exitCode = await cdrVerify({ ...options, progress, ...(id === undefined ? {} : { id }) }, io);
    });
  sub("signed", "the signed meter values behind a CDR; opens the sealed store with the config's key")
    .argument("<id>", "of the CDR or its session")
    .option("--xml <file>", "write the public transparency software's XML")
    .addOption(new Option("--config <file>", "the config").default("laddport.yaml"))
    .action(async (id: string, options: Omit<SignedOptions, "id">) => {
      const { cdrSigned } = await import("./cdr-signed.ts");
      process.exitCode = await cdrSigned({ ...options, id }, io);
    });
  return cdr;
}

function count(text: string): number {
  const n = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(n) || n < 0)
    throw new InvalidArgumentError("write a whole number.");
  return n;
}
