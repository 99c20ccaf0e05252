/** The options of `laddport demo`. */
import { Command, InvalidArgumentError } from "commander";
import type { DemoOptions } from "./demo-plan.ts";
import type { CommandIo } from "./output.ts";

const UNITS_MS = { "": 1000, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 } as const;
const MOST_STATIONS = 2000;

/** `60s`, `2m`, `90` (seconds) as ms. */
export function readDuration(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(s|m|min|h)?$/.exec(text);
  const ms = Number(found?.[1]) * UNITS_MS[(found?.[2] ?? "") as keyof typeof UNITS_MS];
  if (!found || ms < 5000) throw new InvalidArgumentError("write a time of at least 5 s, such as 60s or 2m.");
  return ms;
}

function numberFrom(least: number, most: number, whole: boolean) {
  return (text: string): number => {
    const n = Number(text);
    const fits = text.trim() !== "" && n >= least && n <= most && (!whole || Number.isInteger(n));
    if (!fits)
      throw new InvalidArgumentError(`write a ${whole ? "whole " : ""}number from ${least} to ${most}.`);
    return n;
  };
}

interface Parsed extends Omit<DemoOptions, "forMs"> {
  for: number;
}

export function demoCommand(io: CommandIo): Command {
  return new Command("demo")
    .exitOverride()
    .description("a depot of simulated stations charges at accelerated time through the real gateway")
    .option("--stations <n>", "simulated stations", numberFrom(1, MOST_STATIONS, true), 24)
    .option("--for <time>", "how long it takes", readDuration, 60_000)
    .option(
      "--speed <n>",
      "depot seconds a second (default: so that all of it fits)",
      numberFrom(1, 20_000, false),
    )
    .option("--replay <file>", "recorded sessions instead, CSV or JSON, also gzipped")
    .option("--day <date>", "the day of the record, YYYY-MM-DD (default: the busiest)")
    .option("--time-zone <zone>", "in which --day is meant (default: the record's own offset)")
    .option(
      "--site-a <amperes>",
      "site limit per line (default: half the uncontrolled peak)",
      numberFrom(6, 1e5, false),
    )
    .option("--json <file>", "write the closing figures, - for stdout")
    .option("--influx <url>", "write time series to this InfluxDB or VictoriaMetrics")
    .option("--keep <dir>", "keep config, data and sealed summaries there")
    .option("--seed <n>", "draw another depot", numberFrom(0, 2 ** 31, true), 1)
    .option("--no-flows", "without Node-RED")
    .option("--no-mischief", "stations that never fail")
    .action(async ({ for: forMs, ...options }: Parsed) => {
      // no-color.org: any value but an empty one.
      const noColour = (process.env.NO_COLOR ?? "") !== "";
      const { runDemo } = await import("./demo.ts");
      process.exitCode = await runDemo({ ...options, forMs }, { ...io, noColour });
    });
}
