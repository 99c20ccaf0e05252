/** The options of `laddport summary`. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { CommandIo } from "./output.ts";
import type { OpenOptions } from "./summary.ts";
import type { SummaryExportOptions, SummaryListOptions } from "./summary-log.ts";

export function summaryCommand(io: CommandIo): Command {
  const summary = new Command("summary").exitOverride().description("sealed summaries");
  const data = () => new Option("--data <dir>", "the data directory").default("data");
  const json = () => new Option("--json", "machine-readable output");
  summary
    .command("list")
    .description("every summary of the log, oldest first")
    .addOption(data())
    .addOption(json())
    .action(async (options: SummaryListOptions) => {
      const { summaryList } = await import("./summary-log.ts");
      process.exitCode = await summaryList(options, io);
    });
  summary
    .command("export")
    .description("write the sealed bytes of a summary to a file, as they were sent")
    .requiredOption("--seq <n>", "its number", positive)
    .option("--epoch <n>", "of its number; the newest when absent", positive)
    .requiredOption("--out <file>", "where to write it")
    .addOption(data())
    .action(async (options: SummaryExportOptions) => {
      const { summaryExport } = await import("./summary-log.ts");
      process.exitCode = await summaryExport(options, io);
    });
  summary
    .command("open")
    .description("open a sealed summary with a recipient's key")
    .argument("<file>", "the summary: DER (cms-1) or JSON (jose-1)")
    .requiredOption("--key <file>", "the recipient's private key, PEM")
    .option("--cert <file>", "the recipient's certificate: refuse what is not addressed to it")
    .option("--signer <file>", "the gateway's certificate: refuse summaries of any other")
    .addOption(json())
    .action(async (file: string, options: Omit<OpenOptions, "file">) => {
      const { summaryOpen } = await import("./summary.ts");
      process.exitCode = await summaryOpen({ ...options, file }, io);
    });
  return summary;
}

function positive(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError("Write a whole number from 1.");
  return n;
}
