/** The options of `laddport cdr hold` and `laddport cdr credit`. */
import { Command, Option } from "commander";
import type { Decision } from "../web/holds.ts";
import type { HoldListOptions } from "./cdr-hold.ts";
import type { CommandIo } from "./output.ts";

interface Decided {
  config: string;
  by: string;
  reason: string;
  json?: boolean;
}

export function holdCommand(io: CommandIo): Command {
  const hold = new Command("hold").exitOverride().description("sessions that wait for a person");
  hold
    .command("list")
    .description("why each session waits, and since when")
    .addOption(new Option("--data <dir>", "the data directory").default("data"))
    .option("--all", "what was decided too")
    .addOption(json())
    .action(async (options: HoldListOptions) => {
      const { holdList } = await import("./cdr-hold.ts");
      process.exitCode = await holdList(options, io);
    });
  hold.addCommand(deciding("release", "bill the session although it was held", "session", "release", io));
  hold.addCommand(deciding("void", "never bill the session", "session", "void", io));
  return hold;
}

export function creditCommand(io: CommandIo): Command {
  return deciding("credit", "take a bill back; nothing replaces it", "id", "credit", io);
}

const json = () => new Option("--json", "machine-readable output");

function deciding(name: string, what: string, argument: string, decision: Decision, io: CommandIo): Command {
  return new Command(name)
    .exitOverride()
    .description(what)
    .argument(`<${argument}>`)
    .requiredOption("--by <user>", "your operator's id; it stays in the log")
    .requiredOption("--reason <text>", "why, in 3 to 500 characters; it stays in the log")
    .addOption(new Option("--config <file>", "the config").default("laddport.yaml"))
    .addOption(json())
    .action(async (id: string, options: Decided) => {
      const { decide } = await import("./cdr-hold.ts");
      process.exitCode = await decide(decision, { ...options, id }, io);
    });
}
