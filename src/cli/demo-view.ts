/** How a demo looks: a frame for a terminal, a line for everything else, a table at the end. Pure text. */
import type { GatewayStats } from "../main.ts";
import type { GridOrderShown } from "../model/grid-request.ts";
import type { TargetSource } from "../model/targets.ts";
import type { DepotStats } from "../simulator/depot-run.ts";
import type { StationState } from "../simulator/station-state.ts";
import type { DemoFigures } from "./demo-figures.ts";
import { table } from "./output.ts";

export interface DemoPicture {
  title: string;
  /** From 0 to 1. */
  progress: number;
  /** Local time in the depot. */
  depotTime: string;
  speed: number;
  depot: DepotStats;
  siteLimitA: number;
  sessionsOpen: number;
  sessionsClosed: number;
  cdrsIssued: number;
  summariesSealed: number;
  summariesAcknowledged: number;
  summariesOpened: number;
  readiness: GatewayStats["readiness"] | null;
  /** `ageS`: of what targets come from, depot seconds; null without targets. */
  plan: { source: TargetSource | null; ageS: number | null; made: number } | null;
  /** The order in force, or the one to come. */
  gridOrder: GridOrderShown | null;
  nodeRed: string;
  /** What listens where: `["metrics", "http://127.0.0.1:8080/metrics"]`. */
  doors: readonly (readonly [string, string])[];
}

export interface Paint {
  colour: boolean;
  width: number;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

const STATE_WORDS: [StationState, string, keyof typeof CODES][] = [
  ["charging", "charging", "green"],
  ["suspended_evse", "waiting for power", "yellow"],
  ["suspended_ev", "full", "cyan"],
  ["ev_connected", "plugged in", "cyan"],
  ["available", "free", "dim"],
  ["faulted", "faulted", "red"],
  ["offline", "offline", "red"],
];

function painter({ colour }: Paint) {
  return (code: keyof typeof CODES, text: string) =>
    colour ? `\u001b[${CODES[code]}m${text}\u001b[0m` : text;
}

const FULL = "█";
const EMPTY = "░";

/** `share` of `width` cells filled; a share above 1 fills all. */
export function bar(share: number, width: number): string {
  const cells = Math.max(0, Math.min(width, Math.round(share * width)));
  return FULL.repeat(cells) + EMPTY.repeat(width - cells);
}

const kwh = (wh: number) => (wh / 1000).toFixed(1);

/** The live frame, some 12 lines. */
export function frame(picture: DemoPicture, paint: Paint): string {
  const { depot, siteLimitA } = picture;
  const tint = painter(paint);
  const barWidth = Math.max(10, Math.min(48, paint.width - 40));
  const percent = `${String(Math.floor(picture.progress * 100)).padStart(3)} %`;
  const lines = depot.siteA.map((nowA, line) => {
    const share = nowA / siteLimitA;
    const filled = bar(share, barWidth);
    const colour = share > 1 ? "red" : share > 0.9 ? "yellow" : "green";
    const figures = `${nowA.toFixed(1).padStart(6)} of ${siteLimitA} A`;
    const peak = `peak ${(depot.peakA[line] ?? 0).toFixed(1)} A`;
    return `  L${line + 1}  ${tint(colour, filled)}  ${figures}  ${tint("dim", peak)}`;
  });
  const states = STATE_WORDS.filter(([state]) => depot.states[state]).map(([state, word, colour]) =>
    tint(colour, `${depot.states[state]} ${word}`),
  );
  const over =
    depot.limitViolations > 0
      ? tint(
          "red",
          `  over the limit ${depot.limitViolations} times, at worst by ${depot.worstOverA.toFixed(1)} A`,
        )
      : tint("dim", "  never over the limit");
  return [
    `${tint("bold", picture.title)}  ${picture.depotTime}, ${picture.speed} times as fast`,
    `  ${bar(picture.progress, barWidth + 4)}  ${percent}`,
    "",
    ...lines,
    over,
    "",
    `  stations   ${states.join("  ")}`,
    `  vehicles   ${readinessWords(picture)}`,
    `  plan       ${[planWords(picture), orderWords(picture)].filter((words) => words !== "").join(", ")}`,
    `  sessions   ${picture.sessionsOpen} open  ${picture.sessionsClosed} closed  ${picture.cdrsIssued} billed  ${kwh(depot.meteredWh)} kWh`,
    `  summaries  ${picture.summariesSealed} sealed  ${picture.summariesAcknowledged} acknowledged  ${picture.summariesOpened} opened by the cloud`,
    `  messages   ${depot.ackedPublishes} acknowledged  Node-RED ${picture.nodeRed}`,
    ...(depot.lastError ? [tint("red", `  last error ${depot.lastError}`)] : []),
    ...picture.doors.map(([name, url]) => tint("dim", `  ${name.padEnd(15)} ${url}`)),
  ].join("\n");
}

/** Of vehicles whose departure is known or expected; guests are counted apart. */
function readinessWords({ readiness }: DemoPicture): string {
  if (!readiness) return "";
  const { ready, on_track, at_risk, impossible, guest } = readiness;
  const known = ready + on_track + at_risk + impossible;
  return [
    `${ready + on_track} of ${known} ready or on track`,
    ...(at_risk > 0 ? [`${at_risk} at risk`] : []),
    ...(impossible > 0 ? [`${impossible} impossible`] : []),
    ...(guest > 0 ? [`${guest} unknown`] : []),
  ].join(", ");
}

const SOURCES: Record<TargetSource, string> = {
  plan: "newest",
  previous: "an older one",
  laxity: "laxity instead",
};

function planWords({ plan }: DemoPicture): string {
  if (!plan) return "";
  if (plan.source === null || plan.ageS === null) return `none: equal shares, ${plan.made} made`;
  return `${SOURCES[plan.source]}, ${Math.round(plan.ageS / 60)} min old, ${plan.made} made`;
}

function orderWords({ gridOrder: order }: DemoPicture): string {
  if (!order || order.state === "ahead") return "";
  return `grid order ${order.power_w / 1000} kW ${order.state}`;
}

/** The same in one line, for a log. */
export function line(picture: DemoPicture): string {
  const { depot, siteLimitA } = picture;
  const amperes = depot.siteA.map((a) => a.toFixed(0)).join("/");
  return [
    `${String(Math.floor(picture.progress * 100)).padStart(3)} %`,
    picture.depotTime,
    `site ${amperes} of ${siteLimitA} A`,
    `${depot.states.charging ?? 0} charging, ${depot.states.suspended_evse ?? 0} waiting`,
    ...[readinessWords(picture), orderWords(picture)].filter((words) => words !== ""),
    `${picture.sessionsClosed} sessions closed, ${picture.cdrsIssued} billed`,
    `${picture.summariesAcknowledged} summaries acknowledged`,
    `${depot.ackedPublishes} messages`,
    ...(depot.limitViolations > 0 ? [`OVER THE LIMIT ${depot.limitViolations} times`] : []),
  ].join("  ");
}

/** The closing table; with `sessions`, first how the recorded ones went. */
export function closingTable(figures: DemoFigures): string {
  const limits = figures.site_limit_a.join(" / ");
  const rows: [string, string | number, string][] = [
    ["", "", ""],
    ["stations", figures.stations, ""],
    ["sessions closed", figures.sessions_closed, ""],
    ["bills issued", figures.cdrs_issued, ""],
    ...unbilledRows(figures),
    ["billed by signed values", figures.signed_sessions, ""],
    ["summaries acknowledged", figures.summaries_acknowledged, ""],
    ["summaries opened by the cloud", figures.summaries_opened, ""],
    ["energy metered", figures.energy_kwh_metered.toFixed(3), "kWh"],
    ["energy billed", figures.energy_kwh_billed.toFixed(3), "kWh"],
    ["highest current L1 / L2 / L3", figures.peak_site_a.map((a) => a.toFixed(1)).join(" / "), "A"],
    ["site limit L1 / L2 / L3", limits, "A"],
    ["times over the limit", figures.limit_violations, ""],
    ...loadRows(figures),
    ["messages acknowledged", figures.acked_events, ""],
    ["Node-RED", figures.node_red, ""],
    ...replayRows(figures),
  ];
  const [nameWidth = 0, valueWidth = 0] = [0, 1].map((i) =>
    Math.max(...rows.map((row) => String(row[i]).length)),
  );
  return rows
    .slice(1)
    .map(([name, value, unit]) =>
      `${name.padEnd(nameWidth)}  ${String(value).padStart(valueWidth)} ${unit}`.trimEnd(),
    )
    .join("\n");
}

/** How well the depot's power was used. */
function loadRows(figures: DemoFigures): [string, string | number, string][] {
  const { vehicles_left: left, vehicles_ready: ready, plans, grid_order } = figures;
  const part = (n: number) => (left > 0 ? `${((100 * n) / left).toFixed(1)} %, ` : "");
  return [
    ["left with what they needed", `${part(ready)}${ready} of ${left}`, ""],
    ...figures.classes.map((c): [string, string, string] => [
      `  of class ${c.class}`,
      `${c.vehicles_ready} of ${c.vehicles_left}`,
      "",
    ]),
    ["energy missing at departure", figures.energy_kwh_missing.toFixed(3), "kWh"],
    ["plans made", plans.made, ""],
    ...(plans.missed > 0 ? [missedRow(plans.missed)] : []),
    ...(grid_order === null ? [] : [orderRow(grid_order.kw, grid_order.met_after_s)]),
  ];
}

const missedRow = (n: number): [string, number, string] => ["plans late or failed", n, ""];

function orderRow(kw: number, afterS: number | null): [string, string | number, string] {
  const order = `grid order of ${kw} kW`;
  return afterS === null ? [order, "not met", ""] : [`${order} met after`, afterS, "s"];
}

/** Why there are fewer bills than sessions. */
function unbilledRows(figures: DemoFigures): [string, number, string][] {
  const rows: [string, number, string][] = [
    ["no bill: without energy", figures.sessions_without_energy, ""],
    ["no bill: held for a person", figures.sessions_held, ""],
    ["no bill: free of charge", figures.sessions_free, ""],
  ];
  return rows.filter(([, n]) => n > 0);
}

function replayRows({ sessions }: DemoFigures): [string, string | number, string][] {
  if (!sessions) return [];
  const finished = sessions.filter((s) => s.finished);
  const limited = sessions.filter((s) => s.limited_s > 0);
  const recorded = sessions.reduce((sum, s) => sum + s.recorded_kwh, 0);
  return [
    ["recorded energy", recorded.toFixed(3), "kWh"],
    ["cars with all their recorded energy", `${finished.length} of ${sessions.length}`, ""],
    ["cars that had to wait or share", limited.length, ""],
  ];
}

/** Recorded sessions that missed their energy, most missing first. */
export function shortTable(figures: DemoFigures, rows: number): string {
  const short = (figures.sessions ?? [])
    .filter((s) => !s.finished)
    .sort((a, b) => b.recorded_kwh - b.metered_kwh - (a.recorded_kwh - a.metered_kwh))
    .slice(0, rows);
  if (short.length === 0) return "";
  return table([
    ["left short", "recorded kWh", "metered kWh", "limited min"],
    ...short.map((s) => [
      s.id,
      s.recorded_kwh.toFixed(3),
      s.metered_kwh.toFixed(3),
      Math.round(s.limited_s / 60),
    ]),
  ]);
}
