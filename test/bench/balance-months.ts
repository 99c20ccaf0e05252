/** Months of recorded sessions as depots of single-phase connectors, phases rotated, on a site with three panels. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { DepotInstance } from "../../src/model/depot-instance.ts";
import { type Site, siteOf } from "../../src/rules/what-if/site.ts";
import { type RecordedSite, recordedFile } from "../simulator/recorded.ts";

const SLOT_MS = 300_000;
const DAY_SLOTS = 288;
const VOLT = 230;
const CAR_A = 32;

/** Southern California Edison TOU-EV-4 in summer, money per kWh by hour and per kW of the highest window. */
const priceAt = (hour: number) => (hour < 8 || hour >= 23 ? 0.056 : hour >= 12 && hour < 18 ? 0.267 : 0.092);
const DEMAND_PER_KW = 15.48;

export interface MonthOptions {
  recorded: RecordedSite;
  /** Of 2019. */
  month: number;
  siteA: number;
  /** Import of the site, kW; with a tariff. */
  pricedKw?: number;
}

const files = new Map<RecordedSite, Map<string, string>[]>();

function rowsOf(recorded: RecordedSite): Map<string, string>[] {
  const known = files.get(recorded);
  if (known !== undefined) return known;
  const text = gunzipSync(readFileSync(recordedFile(recorded))).toString();
  const [head, ...lines] = text.trim().split("\n");
  const names = (head ?? "").split(",");
  const rows = lines.map((line) => new Map(line.split(",").map((value, i) => [names[i] ?? "", value])));
  files.set(recorded, rows);
  return rows;
}

export function monthOf({ recorded, month, siteA, pricedKw }: MonthOptions): Site {
  const date = (m: number) => Date.parse(`2019-${String(m).padStart(2, "0")}-01T00:00:00-07:00`);
  const from = date(month);
  const slotOf = (text: string | undefined) => Math.floor((Date.parse(text ?? "") - from) / SLOT_MS);
  const rows = rowsOf(recorded).filter((row) => {
    const arrival = Date.parse(row.get("arrival") ?? "");
    return arrival >= from && arrival < date(month + 1);
  });
  const ids = [...new Set(rows.map((row) => row.get("station_id") ?? ""))].sort();
  const perPanel = Math.ceil(ids.length / 3);
  const last = new Map<string, { arrive: number; depart: number }>();
  const sessions = rows.flatMap((row) => {
    const connector = row.get("station_id") ?? "";
    const arrive = slotOf(row.get("arrival"));
    const depart = Math.min(Math.max(arrive + 1, slotOf(row.get("departure"))), arrive + DAY_SLOTS);
    const before = last.get(connector);
    if (before !== undefined && before.depart > arrive) before.depart = Math.max(before.arrive + 1, arrive);
    const most = (((CAR_A * VOLT) / 1000) * (depart - arrive)) / 12;
    const energyKwh = Math.min(Number(row.get("delivered_energy (kWh)")), most);
    if (!(energyKwh > 0)) return [];
    const said = row.get("claimed") === "True" && {
      estDepart: Math.max(arrive + 1, slotOf(row.get("estimated_departure"))),
      estKwh: Number(row.get("requested_energy (kWh)")),
    };
    const session = {
      id: row.get("session_id") ?? "",
      connector,
      arrive,
      depart,
      energyKwh,
      carPhases: 1,
      ...said,
    };
    last.set(connector, session);
    return [session];
  });
  const slots = Math.max(...sessions.map(({ depart }) => depart));
  const amps = (a: number) => [a, a, a];
  return siteOf(
    DepotInstance.parse({
      name: `${recorded} 2019-${month}`,
      slotSeconds: SLOT_MS / 1000,
      slots,
      phaseVoltage: VOLT,
      circuits: [
        { id: "site", limitA: amps(siteA), ...(pricedKw !== undefined && { limitKw: pricedKw }) },
        ...[0, 1, 2].map((p) => ({ id: `panel ${p}`, parent: "site", limitA: amps(Math.ceil(siteA / 2)) })),
      ],
      connectors: ids.map((id, i) => ({
        id,
        circuit: `panel ${Math.floor(i / perPanel)}`,
        kind: "ac",
        lines: [i % 3, (i + 1) % 3, (i + 2) % 3],
        minA: 6,
        maxA: CAR_A,
      })),
      sessions,
      ...(pricedKw !== undefined && {
        tariff: {
          energyPerKwh: Array.from({ length: slots }, (_, t) => priceAt((t % DAY_SLOTS) / 12)),
          demandPerKw: DEMAND_PER_KW,
        },
      }),
    }),
  );
}
