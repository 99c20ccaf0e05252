/** The options of `laddport grid`. */
import { Command, Option } from "commander";
import type { GridOptions, OrderOptions } from "./grid.ts";
import type { CommandIo } from "./output.ts";

export function gridCommand(io: CommandIo): Command {
  const grid = new Command("grid")
    .exitOverride()
    .description("what the grid side orders, and what it expects");
  const of = (name: string, description: string) =>
    grid
      .command(name)
      .description(description)
      .addOption(new Option("--config <file>", "the config").default("laddport.yaml"))
      .addOption(new Option("--data <dir>", "the data directory").default("data"))
      .addOption(new Option("--json", "machine-readable output"));
  of("order", "let a circuit draw no more than so much, charging and other load together")
    .requiredOption("--kind <kind>", "cap, dimming (§ 14a EnWG) or stop")
    .option("--kw <power>", "of a cap, such as 40")
    .option("--circuit <id>", "default: that of grid.dimming for dimming, else the grid connection")
    .option("--from <time>", "now, 18:30 or 2026-11-26 06:00 on the site's clocks, or RFC 3339", "now")
    .option("--until <time>", "likewise; without an end it holds until it is taken back")
    .option("--for <length>", "instead of --until: a number and s, min, h or d")
    .option("--id <id>", "the same id again replaces the order")
    .option("--reference <text>", "such as the number of the grid operator's order")
    .action(async (options: OrderOptions) => {
      process.exitCode = await (await import("./grid.ts")).gridOrder(options, io);
    });
  of("list", "orders that have not ended, and whether the meter shows that they are kept").action(
    async (options: GridOptions) => {
      process.exitCode = await (await import("./grid.ts")).gridList(options, io);
    },
  );
  of("end", "take an order back")
    .argument("<order>")
    .action(async (order: string, options: GridOptions) => {
      process.exitCode = await (await import("./grid.ts")).gridEnd({ ...options, order }, io);
    });
  of("forecast", "what a circuit is expected to draw besides charging")
    .option("--circuit <id>", "default: the grid connection")
    .action(async (options: GridOptions & { circuit?: string }) => {
      process.exitCode = await (await import("./grid.ts")).gridForecast(options, io);
    });
  return grid;
}
