/** How much a vehicle wants, exact, and held against what its battery takes. */
import type { Fleet } from "../../model/vehicle.ts";

type Refuse = (message: string, fix: string) => void;

export interface Wish {
  said: { energy_wh?: number; soc_pct?: number };
  /** What was changed to fit, or what it cannot be used without. */
  note?: string;
  clamped?: boolean;
}

const MOST_WH = 5_000_000;
/** Losses between station and battery: nobody can want more than this of what the battery holds. */
const MOST_PER_BATTERY = 1.25;

/** `text` gives the fields `energy_wh`, `energy_kwh` and `soc_pct`; at most one of them is written. */
export function amountIn(
  text: (name: string) => string | undefined,
  vehicle: string | undefined,
  { vehicles }: Fleet,
  refuse: Refuse,
): Wish {
  const written = ["energy_wh", "energy_kwh", "soc_pct"].flatMap((name) => {
    const value = text(name);
    return value === undefined ? [] : [{ name, value }];
  });
  const [first, second] = written;
  if (!first) return { said: {} };
  if (second) {
    refuse(`gives ${first.name} and ${second.name}`, "Keep one of the two.");
    return { said: {} };
  }
  const known = vehicle === undefined ? undefined : vehicles.get(vehicle);
  if (first.name === "soc_pct") return socIn(first.value, known?.batteryKwh ?? null, refuse);
  const wh = first.name === "energy_wh" ? wholeIn(first.value) : thousandfoldIn(first.value);
  if (wh === undefined || wh <= 0 || wh > MOST_WH) {
    refuse(
      `${first.name} is ${first.value}`,
      first.name === "energy_wh"
        ? `Write whole Wh, 1 to ${MOST_WH}.`
        : `Write kWh above 0 and up to ${MOST_WH / 1000}, with at most three decimals.`,
    );
    return { said: {} };
  }
  const battery = known?.batteryKwh ?? null;
  const mostWh = battery === null ? wh : Math.round(battery * 1000 * MOST_PER_BATTERY);
  if (wh <= mostWh) return { said: { energy_wh: wh } };
  const note = `${wh / 1000} kWh is more than its battery of ${battery} kWh takes: ${mostWh / 1000} kWh holds`;
  return { said: { energy_wh: mostWh }, note, clamped: true };
}

function socIn(value: string, batteryKwh: number | null, refuse: Refuse): Wish {
  const pct = Number(value);
  if (!/^\d{1,3}(\.\d+)?$/.test(value) || pct <= 0 || pct > 100) {
    refuse(`soc_pct is ${value}`, "Write per cent, above 0 and up to 100.");
    return { said: {} };
  }
  if (batteryKwh !== null) return { said: { soc_pct: pct } };
  return { said: { soc_pct: pct }, note: "its battery is not known, so soc_pct gives no energy yet" };
}

function wholeIn(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Decimal kWh as whole Wh, digit by digit. A comma is a decimal sign. */
function thousandfoldIn(text: string): number | undefined {
  const [, whole, decimals = ""] = /^(\d{1,6})(?:[.,](\d{1,3}))?$/.exec(text) ?? [];
  return whole === undefined ? undefined : Number(whole + decimals.padEnd(3, "0"));
}
