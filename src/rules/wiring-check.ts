/**
 * What an electrician should look at: signs, the order of the lines, transformers' ratios. From one reading, so each
 * remark says what it would mean and is no verdict.
 */
import type { Quantity } from "../model/register-map.ts";
import { type MeterWiring, meterReading } from "./meter-reading.ts";
import { toNumber, type Values } from "./register-values.ts";

export interface WiringRemark {
  /** `L2`, or the whole meter. */
  where: string;
  seen: string;
  fix: string;
}

const LINES = [1, 2, 3] as const;
/** Below this a current says nothing about wiring, A. */
const SOME_A = 1;
const LOW_V = 80;
const HIGH_V = 300;
/** Loads of a depot are better than this; current and voltage of different lines give 0.5 and less. */
const LEAST_COS = 0.55;

export function wiringRemarks(values: Values, wiring: MeterWiring): WiringRemark[] {
  const remarks: WiringRemark[] = [];
  const say = (where: string, seen: string, fix: string) => remarks.push({ where, seen, fix });
  const number = (quantity: Quantity) => {
    const value = values.get(quantity);
    return value === undefined ? undefined : toNumber(value);
  };
  const used = LINES.slice(0, wiring.phases);
  const frequency = number("frequency");
  if (frequency !== undefined && (frequency < 45 || frequency > 65))
    say(
      "meter",
      `a frequency of ${frequency} Hz`,
      "The register map is not the one of this meter, or its order of words is wrong.",
    );
  for (const n of used) {
    const volts = number(`voltage_l${n}`);
    const amperes = number(`current_l${n}`);
    const watts = number(`power_l${n}`);
    if (volts !== undefined && (Math.abs(volts) < LOW_V || Math.abs(volts) > HIGH_V))
      say(
        `L${n}`,
        `${round(volts)} V between line and neutral`,
        Math.abs(volts) < LOW_V
          ? "Check the fuse and the wire of this voltage input. A meter on one line only needs `phases: 1`."
          : "Check that the voltage inputs are line to neutral, and the ratio of voltage transformers.",
      );
    if (amperes === undefined)
      say(`L${n}`, "no current", "Check the clamp; where there is one line only, write `phases: 1`.");
    if (volts === undefined || amperes === undefined || watts === undefined) continue;
    const apparent = Math.abs(volts * amperes);
    if (Math.abs(amperes) < SOME_A || apparent === 0) continue;
    const share = Math.abs(watts) / apparent;
    if (share > 1.1)
      say(
        `L${n}`,
        `${round(watts)} W at ${round(volts)} V and ${round(amperes)} A, more than there can be`,
        "Check the ratio of the current transformers in the meter, and the register map.",
      );
    else if (share < LEAST_COS)
      say(
        `L${n}`,
        `a power factor of ${share.toFixed(2)}`,
        "If the load is not that inductive, the clamp is on another line than the voltage input: swap them.",
      );
  }
  signs(values, wiring, say);
  return remarks;
}

function signs(
  values: Values,
  wiring: MeterWiring,
  say: (where: string, seen: string, fix: string) => void,
): void {
  const { reading } = meterReading(values, wiring);
  const amperes = reading.current_a ?? [];
  const flowing = [...amperes.entries()].filter(([, a]) => Math.abs(a) >= SOME_A);
  const back = flowing.filter(([, a]) => a < 0);
  if (wiring.role !== "circuit") {
    const watts = reading.power_w ?? 0;
    if (wiring.role === "pv" && watts > 50)
      say("meter", `the plant takes ${round(watts)} W`, "If it produces now, write `invert: true`.");
    return;
  }
  if (back.length > 0 && back.length === flowing.length)
    say(
      "meter",
      "every line exports",
      "If nothing produces now, the clamps are the other way round: turn them, or write `invert: true`.",
    );
  else
    for (const [line, a] of back)
      say(
        `L${line + 1}`,
        `${round(-a)} A are exported, other lines import`,
        "If nothing produces on this line now, turn its clamp round.",
      );
}

const round = (value: number) => Math.round(value * 10) / 10;
