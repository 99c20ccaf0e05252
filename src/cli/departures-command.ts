/** The options of `laddport departures` and `laddport vehicles`. */
import { Command, Option } from "commander";
import type { SetOptions } from "./departures.ts";
import type { CommandIo } from "./output.ts";

interface Common {
  config: string;
  data: string;
  json?: boolean;
}

const config = () => new Option("--config <file>", "the config").default("laddport.yaml");
const data = () => new Option("--data <dir>", "the data directory of the gateway").default("data");
const json = () => new Option("--json", "machine-readable output");

export function departuresCommand(io: CommandIo): Command {
  const departures = new Command("departures")
    .exitOverride()
    .description("which vehicle leaves when and with how much");
  departures
    .command("import")
    .description(
      "from CSV or JSON: vehicle,depart,energy_kwh; with days the weekly timetable, replaced whole",
    )
    .argument("<file>")
    .addOption(config())
    .addOption(data())
    .addOption(json())
    .action(async (file: string, options: Common) => {
      const { departuresImport } = await import("./departures.ts");
      process.exitCode = await departuresImport({ ...options, file }, io);
    });
  departures
    .command("list")
    .description("those to come, and where their vehicles are plugged in")
    .option("--vehicle <id>", "only of this one")
    .addOption(config())
    .addOption(data())
    .addOption(json())
    .action(async (options: Common & { vehicle?: string }) => {
      const { departuresList } = await import("./departures.ts");
      process.exitCode = await departuresList(options, io);
    });
  departures
    .command("set")
    .description("one departure of a vehicle, or of whoever is plugged in at an EVSE")
    .requiredOption("--at <time>", "06:30 (the next one), 2026-11-26 06:30 on the site's clocks, or RFC 3339")
    .option("--vehicle <id>", "as the token list or the config has it")
    .option("--evse <id>", "such as cp-01/1")
    .option("--energy-kwh <kwh>", "wanted from the station, counted from plug-in")
    .option("--soc <percent>", "state of charge wanted instead")
    .option("--class <id>", "priority class, over that of the vehicle")
    .option("--id <id>", "to replace it by later (default: vehicle and date)")
    .addOption(config())
    .addOption(data())
    .addOption(json())
    .action(async (options: SetOptions) => {
      const { departuresSet } = await import("./departures.ts");
      process.exitCode = await departuresSet(options, io);
    });
  departures
    .command("remove")
    .description("a departure, a line of the timetable, or one day of a line: LINE@2026-11-26")
    .argument("<id>")
    .addOption(config())
    .addOption(data())
    .addOption(json())
    .action(async (id: string, options: Common) => {
      const { departuresRemove } = await import("./departures.ts");
      process.exitCode = await departuresRemove({ ...options, id }, io);
    });
  return departures;
}

export function vehiclesCommand(io: CommandIo): Command {
  const vehicles = new Command("vehicles").exitOverride().description("vehicles as the depot knows them");
  vehicles
    .command("list")
    .description("class, battery, limits (configured or learned) and next departure")
    .addOption(config())
    .addOption(data())
    .addOption(json())
    .action(async (options: Common) => {
      const { vehiclesList } = await import("./departures.ts");
      process.exitCode = await vehiclesList(options, io);
    });
  return vehicles;
}
