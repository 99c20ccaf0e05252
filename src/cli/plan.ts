/** `laddport plan`: who charges when by the plan, of the running gateway. */
import type { PlanState } from "../gateway/plan-view.ts";
import { showFromGateway } from "./ask-gateway.ts";
import { type CommandIo, table, weekdayClock } from "./output.ts";

export interface PlanOptions {
  config: string;
  data: string;
  json?: boolean;
}

export function plan(options: PlanOptions, io: CommandIo): Promise<number> {
  const words = (state: PlanState, zone: string) => planText(state, nowOf(state), zone);
  return showFromGateway(options, "/api/v1/plan", words, io);
}

/** The gateway's own clock, which is not this machine's in a demo. */
const nowOf = (body: unknown): number => Date.parse((body as { at?: string }).at ?? "") || Date.now();

const SOURCES = {
  plan: "the newest plan",
  previous: "an older plan: the newest is late or failed",
  laxity: "laxity: there is no plan",
} as const;

/** Times on the clocks of `zone`. */
export function planText(state: PlanState, nowMs: number, zone: string): string {
  const at = weekdayClock(zone);
  const kwh = (x: number | null) => (x === null ? "" : x.toFixed(1));
  const rows = state.vehicles.map((v) => {
    const sure = v.depart_expected;
    const leaves = v.depart
      ? at(v.depart)
      : sure
        ? `${at(sure.p50)} (${at(sure.p10)} to ${at(sure.p90)})`
        : "unknown";
    const now = v.target_a === null ? "" : `${v.target_a.toFixed(1)}${v.urgent ? " urgent" : ""}`;
    return [
      v.evse,
      v.vehicle ?? "",
      v.class ?? "",
      leaves,
      kwh(v.wanted_kwh),
      kwh(v.delivered_kwh),
      kwh(v.forecast_kwh),
      now,
      v.bound_by.join(", "),
    ];
  });
  const head = ["EVSE", "vehicle", "class", "leaves", "wants kWh", "has", "will have", "now A", "bound by"];
  return `${header(state, nowMs)}\n\n${rows.length > 0 ? table([head, ...rows]) : "nobody is plugged in"}\n`;
}

function header({ source, made_at, solve_ms, failed, peak_kw }: PlanState, nowMs: number): string {
  if (source === null || made_at === null)
    return `no targets hold: vehicles share alike${failed === null ? "" : ` (${failed})`}`;
  const age = Math.max(0, Math.round((nowMs - Date.parse(made_at)) / 1000));
  const parts = [
    `targets from ${SOURCES[source]}`,
    age < 120 ? `${age} s old` : `${Math.round(age / 60)} min old`,
    ...(solve_ms === null ? [] : [`solved in ${solve_ms} ms`]),
    ...(peak_kw === null ? [] : [`highest window ${peak_kw} kW`]),
    ...(failed === null ? [] : [`newest attempt: ${failed}`]),
  ];
  return parts.join(", ");
}
