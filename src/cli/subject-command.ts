/** The options of `laddport subject`. */
import { Command, Option } from "commander";
import type { CommandIo } from "./output.ts";

export function subjectCommand(io: CommandIo): Command {
  const subject = new Command("subject").exitOverride().description("the rights of those who charge");
  const part = (name: string, what: string) =>
    subject
      .command(name)
      .description(what)
      .addOption(new Option("--config <file>", "the config").default("laddport.yaml"))
      .addOption(new Option("--data <dir>", "the data directory").default("data"))
      .addOption(new Option("--json", "machine-readable output"));
  const does = <Options>(load: () => Promise<(options: Options, io: CommandIo) => Promise<number>>) => {
    return async (options: Options) => {
      const work = await load();
      process.exitCode = await work(options, io);
    };
  };
  const named = (command: Command) =>
    command.requiredOption("--subject <ref>", "the pseudonym, as subject find says it");
  part("find", "the pseudonym of a token, with its sessions and bills; exit 1 when it is not known")
    .requiredOption("--token <uid>", "as a station reads it; - takes it from standard input or asks for it")
    .option("--type <type>", "rfid, app, emaid, vin or other", "rfid")
    .action(does(async () => (await import("./subject.ts")).subjectFind));
  named(part("export", "a copy of one subject's data: JSON, CSV and a readme in a ZIP"))
    .requiredOption("--out <file>", "the ZIP; it is never overwritten")
    .option("--reason <text>", "why, for the audit trail", "access request")
    .action(does(async () => (await import("./subject.ts")).subjectExport));
  named(part("erase", "destroy a subject's keys; bills stay, and lead to nobody"))
    .option("--reason <text>", "why, in 3 to 500 characters; it stays in the log (a preview needs none)")
    .option("--preview", "say what would go, what stays and until when; do nothing")
    .action(does(async () => (await import("./subject.ts")).subjectErase));
  named(part("hold", "a legal hold: neither erasure nor retention takes the subject"))
    .requiredOption("--reason <text>", "why, in 3 to 500 characters; it stays in the log")
    .option("--until <date>", "last day of the hold (default: until it is released)")
    .option("--release", "end the hold")
    .action(does(async () => (await import("./subject.ts")).subjectHold));
  return subject;
}
