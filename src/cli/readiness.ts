/** `laddport readiness`: who will be ready at departure, who will not and why, of the running gateway. */
import type { ReadinessView } from "../gateway/readiness.ts";
import type { ReadinessState } from "../model/readiness.ts";
import { causeInWords } from "../rules/readiness-alerts.ts";
import { showFromGateway } from "./ask-gateway.ts";
import { type CommandIo, table, weekdayClock } from "./output.ts";

export interface ReadinessOptions {
  config: string;
  data: string;
  json?: boolean;
}

export function readiness(options: ReadinessOptions, io: CommandIo): Promise<number> {
  const colour = (io.stdout as Partial<NodeJS.WriteStream>).isTTY === true && !process.env.NO_COLOR;
  const words = (view: ReadinessView, zone: string) => readinessText(view, zone, colour);
  return showFromGateway(options, "/api/v1/readiness", words, io);
}

const WORDS: Record<ReadinessState, string> = {
  ready: "ready",
  on_track: "on track",
  at_risk: "AT RISK",
  impossible: "IMPOSSIBLE",
  guest: "guest",
};
/** What needs a person comes first. */
const ORDER: readonly ReadinessState[] = ["impossible", "at_risk", "on_track", "ready", "guest"];
const COLOURS: Partial<Record<ReadinessState, string>> = { impossible: "31", at_risk: "33", ready: "32" };

/** Times on the clocks of `zone`. */
export function readinessText(view: ReadinessView, zone: string, colour: boolean): string {
  const clock = weekdayClock(zone);
  const at = (text: string | null) => (text === null ? "" : clock(text));
  const kwh = (x: number | null) => (x === null ? "" : x.toFixed(1));
  const sorted = [...view.vehicles].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.depart ?? "~").localeCompare(b.depart ?? "~"),
  );
  const { counts } = view;
  const leaving = view.vehicles.length - counts.guest;
  const fine = counts.ready + counts.on_track;
  const head = `${fine} of ${leaving} will be ready${counts.guest > 0 ? `, ${counts.guest} more without a known departure` : ""}`;
  if (sorted.length === 0) return "nobody is plugged in\n";
  const rows = sorted.map((v) => [
    v.evse,
    v.vehicle ?? "",
    WORDS[v.state],
    v.depart === null ? "unknown" : `${v.depart_is_said ? "" : "about "}${at(v.depart)}`,
    `${v.wanted_is_said ? "" : "about "}${kwh(v.wanted_kwh)}`,
    kwh(v.delivered_kwh),
    kwh(v.forecast_kwh),
    at(v.latest_start),
    v.causes.map(causeInWords).join("; "),
  ]);
  const titles = [
    "EVSE",
    "vehicle",
    "state",
    "leaves",
    "wants kWh",
    "has",
    "will have",
    "latest start",
    "why",
  ];
  const lines = table([titles, ...rows]).split("\n");
  const painted = lines.map((line, i) => {
    const code = colour && i > 0 ? COLOURS[sorted[i - 1]?.state ?? "guest"] : undefined;
    return code === undefined ? line : `\u001b[${code}m${line}\u001b[0m`;
  });
  return `${head}\n\n${painted.join("\n")}\n`;
}
