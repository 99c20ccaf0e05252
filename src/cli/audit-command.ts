/** The options of `laddport audit`. */
import { Command, Option } from "commander";
import type { AuditOptions, AuditVerifyOptions } from "./audit.ts";
import type { AuditExportOptions } from "./audit-export.ts";
import type { CommandIo } from "./output.ts";

export function auditCommand(io: CommandIo): Command {
  const audit = new Command("audit").exitOverride().description("who did what, when and why");
  audit
    .command("list")
    .description("entries, oldest first")
    .addOption(from())
    .addOption(to())
    .option("--actor <who>", "only of this one: a user, cli:anna, gateway, flows")
    .option("--action <what>", "only this, such as session.read, or all of session")
    .addOption(data())
    .addOption(json())
    .action(async (options: AuditOptions) => {
      const { auditList } = await import("./audit.ts");
      process.exitCode = await auditList(options, io);
    });
  audit
    .command("verify")
    .description("prove the chain that holds the entries, and the signed mark")
    .addOption(data())
    .option("--signer <cert>", "certificate of the gateway, PEM (default: the one in the data directory)")
    .addOption(json())
    .action(async (options: AuditVerifyOptions) => {
      const { auditVerify } = await import("./audit.ts");
      process.exitCode = await auditVerify(options, io);
    });
  audit
    .command("export")
    .description("all that a report of a breach needs about a stretch of time, in one file")
    .addOption(from().makeOptionMandatory())
    .addOption(to().makeOptionMandatory())
    .requiredOption("--out <file>", "FILE.json, or FILE.zip with a table and a readme too")
    .option("--reason <text>", "why; it stays in the trail")
    .addOption(data())
    .action(async (options: AuditExportOptions) => {
      const { auditExport } = await import("./audit-export.ts");
      process.exitCode = await auditExport(options, io);
    });
  return audit;
}

const data = () => new Option("--data <dir>", "the data directory").default("data");
const json = () => new Option("--json", "machine-readable output");
const from = () => new Option("--from <time>", "first day (UTC) or RFC 3339 time");
const to = () => new Option("--to <time>", "last day (UTC) or time, inclusive");
