/** The options of `laddport meter-keys`. */
import { Command, Option } from "commander";
import type { AcceptOptions, KeyListOptions } from "./meter-keys.ts";
import type { CommandIo } from "./output.ts";

export function meterKeysCommand(io: CommandIo): Command {
  const keys = new Command("meter-keys")
    .exitOverride()
    .description("public keys that signed meter values are checked against");
  const json = () => new Option("--json", "machine-readable output");
  keys
    .command("list")
    .description("accepted keys, and those that hold sessions")
    .addOption(new Option("--data <dir>", "the data directory").default("data"))
    .addOption(json())
    .action(async (options: KeyListOptions) => {
      const { keyList } = await import("./meter-keys.ts");
      process.exitCode = await keyList(options, io);
    });
  keys
    .command("accept")
    .description("from here on a meter signs with this key")
    .argument("<serial>", "of the meter, as it signs it")
    .option(
      "--key <key>",
      "hex, base64 or PEM, or a file that holds it (default: as the newest held session)",
    )
    .requiredOption("--by <user>", "your operator's id; it stays in the log")
    .requiredOption("--reason <text>", "why, in 3 to 500 characters; it stays in the log")
    .addOption(new Option("--config <file>", "the config").default("laddport.yaml"))
    .addOption(json())
    .action(async (serial: string, options: Omit<AcceptOptions, "serial">) => {
      const { keyAccept } = await import("./meter-keys.ts");
      process.exitCode = await keyAccept({ ...options, serial }, io);
    });
  return keys;
}
