/** The options of `laddport meters`. */
import { Command, CommanderError, Option } from "commander";
import { METER_ROLES } from "../model/register-map.ts";
import type { MeterTestOptions } from "./meters.ts";
import { type CommandIo, EXIT } from "./output.ts";

export function metersCommand(io: CommandIo): Command {
  const meters = new Command("meters").exitOverride().description("meters over Modbus TCP");
  const config = () => new Option("--config <file>", "the config").default("laddport.yaml");
  const json = () => new Option("--json", "machine-readable output");
  const whole = (text: string): number => {
    if (/^\d{1,5}$/.test(text)) return Number(text);
    throw new CommanderError(EXIT.usage, "usage", `"${text}" is not a whole number`);
  };
  meters
    .command("test")
    .description("read a meter once, register by register, and say what looks wrong about its wiring")
    .argument("[name]", "of a meter in the config; or name --host and --map")
    .option("--host <address>", "of the device or gateway")
    .option("--port <port>", "TCP port", whole)
    .option("--unit <id>", "Modbus unit id", whole)
    .option("--map <map>", "a register map by name, or a file that holds one, YAML or JSON")
    .option("--instance <n>", "SunSpec: which of several meters", whole)
    .option("--invert", "it counts export as import")
    .addOption(new Option("--role <role>", "what it measures").choices(METER_ROLES))
    .option("--timeout <seconds>", "longest wait for an answer", Number)
    .option("--watch", "go on, a line each second, until it is interrupted")
    .addOption(config())
    .addOption(json())
    .action(async (name: string | undefined, options: Omit<MeterTestOptions, "name">) => {
      const { metersTest } = await import("./meters.ts");
      process.exitCode = await metersTest({ ...options, ...(name === undefined ? {} : { name }) }, io);
    });
  meters
    .command("list-maps")
    .description("the register maps there are")
    .option("--config <file>", "the config: its own maps too")
    .addOption(json())
    .action(async (options: { config?: string; json?: boolean }) => {
      const { metersListMaps } = await import("./meters.ts");
      process.exitCode = await metersListMaps(options, io);
    });
  return meters;
}
