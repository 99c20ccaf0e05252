import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Circuit } from "../../../src/model/circuit.ts";
import type { EventBodies } from "../../../src/model/event.ts";
import { LIMIT_REASONS, type LimitReason } from "../../../src/model/messages.ts";
import { timeByReason } from "../../../src/rules/why/by-reason.ts";
import { explainLimit } from "../../../src/rules/why/explain.ts";
import type { DepotKnown, SetpointSeen, Why, WhyFacts } from "../../../src/rules/why/facts.ts";
import { whySentences, whyWords } from "../../../src/rules/why/sentences.ts";
import { circuit, evseSpec } from "../allocation-cases.ts";

const T = Date.UTC(2026, 10, 25, 14, 5, 10);
const MINUTE = 60_000;
const at = (iso: string) => iso.slice(11, 19);

function sent(
  atMs: number,
  limit_a: number,
  reason: LimitReason,
  of: Partial<EventBodies["setpoint.sent"]> = {},
) {
  const lease = { rev: 1, phases: 3, valid_for_s: 60, fallback_a: 6 };
  return { atMs, body: { evse: 1, limit_a, reason, ...lease, ...of } } satisfies SetpointSeen;
}

const row: Circuit = { ...circuit("row-a", "site", 63), meter: "grid-a" };
const depot: DepotKnown = {
  circuits: [circuit("site", null, 100), row, circuit("row-b", "site", 63)],
  evses: ["cp-14", "cp-15", "cp-16"]
    .map((id) => evseSpec(id, { circuit: "row-a" }))
    .concat(evseSpec("cp-20", { circuit: "row-b" })),
  nominalV: 230,
  vehicles: new Set(["bus-70"]),
  zone: "UTC",
};
const reading = (a: readonly number[], atMs = T - 8000) => ({ atMs, currentA: a, powerW: null });
const bound = { bound_by: "row-a L2" };
const facts: WhyFacts = {
  station: "cp-14",
  evse: 1,
  atMs: T,
  vehicle: "bus-14",
  changes: [
    sent(T - 10 * MINUTE, 32, "station_max"),
    sent(T - 80_000, 16, "fair_share", { ...bound, class: "bus", target_a: 20, plan: "plan" }),
    sent(T + MINUTE, 32, "station_max"),
  ],
  setpoints: {
    "cp-14/1": sent(T - 80_000, 16, "fair_share", bound),
    "cp-15/1": sent(T - 80_000, 16, "fair_share", bound),
    "cp-16/1": sent(T - 80_000, 0, "not_charging"),
    "cp-20/1": sent(T - 80_000, 32, "station_max"),
  },
  readings: {
    "cp-14/1": reading([15.8, 15.8, 15.8]),
    "cp-15/1": reading([16]),
    "grid-a/0": reading([40, 44.2, 40]),
  },
  connection: { atMs: T - 1e7, connected: true },
  gateway: { atMs: T - 1e8, running: true },
  status: { atMs: T - 1e6, connector: "occupied", charging: "charging" },
  alerts: [],
  orders: [],
  departure: null,
  live: null,
};
const explain = (more: Partial<WhyFacts> = {}, known: DepotKnown | null = depot) =>
  explainLimit({ ...facts, ...more }, known) as Why;
const english = (why: Why) => whySentences(why, "en", at);

describe("why an EVSE may draw what it may", () => {
  it("names limit, share of its maximum, the line that bound it, what else was there, the plan, the reading", () => {
    const why = explain();
    expect(why).toMatchObject({
      limit_a: 16,
      max_a: 32,
      percent: 50,
      reason: "fair_share",
      bound: { circuit: "row-a", line: 2, limit_a: 63, other_load_a: 12.4, sharers: 2, charging_a: 32 },
    });
    expect(english(why)).toEqual([
      "14:05:10 cp-14/1 (bus-14) may draw 16.0 A of 32.0 A (50 %): row-a L2 is full and shared (63 A limit, 12.4 A other load, 2 EVSEs share the rest, 32 A together).",
      "The plan wanted 20.0 A.",
      "The limit was sent at 14:03:50.",
      "It measured 15.8 A at 14:05:02.",
      "Its class is bus.",
      "To do: nothing if that is fair; else a higher class, a departure or a larger weight gives it more, or charge at another time.",
    ]);
  });

  it("says the same in Swedish, with decimal commas", () => {
    expect(whySentences(explain(), "sv", at).slice(0, 4)).toEqual([
      "14:05:10 cp-14/1 (bus-14) får ta 16,0 A av 32,0 A (50 %): row-a L2 är full och delas (gräns 63 A, annan last 12,4 A, 2 uttag delar på resten, 32 A tillsammans).",
      "Planen ville ge 20,0 A.",
      "Gränsen skickades 14:03:50.",
      "Uttaget mätte 15,8 A 14:05:02.",
    ]);
  });

  it("does not count who is seen to draw on other lines only as one that shares the line", () => {
    const readings = { ...facts.readings, "cp-15/1": reading([16, 0, 0]) };
    expect(explain({ readings }).bound).toMatchObject({ sharers: 1, charging_a: 16 });
    const idle = { ...facts.readings, "cp-15/1": reading([0, 0, 0]) };
    expect(explain({ readings: idle }).bound).toMatchObject({ sharers: 2, charging_a: 32 });
  });

  it("without the config counts as sharers those that the same line bound, and knows no maximum", () => {
    const why = explain({}, null);
    expect(why).toMatchObject({
      max_a: null,
      percent: null,
      bound: { limit_a: null, other_load_a: null, sharers: 2 },
    });
    expect(english(why)[0]).toBe(
      "14:05:10 cp-14/1 (bus-14) may draw 16.0 A: row-a L2 is full and shared (2 EVSEs share the rest, 32 A together).",
    );
  });

  it("takes the control loop's word of this instant before that of the limit that was sent last", () => {
    const circuits = [{ id: "row-a", limitA: [63, 50, 63], otherA: [0, 20, 0] }];
    const live = {
      limitA: 16,
      reason: "circuit_limit",
      boundBy: "row-a L2",
      measuredA: [0, 0, 3.21],
    } as const;
    const why = explain({ live: { ...live, targetA: null, plan: null, class: null, circuits } });
    expect(why).toMatchObject({ reason: "circuit_limit", target_a: null, measured: { current_a: 3.2 } });
    expect(why.bound).toMatchObject({ limit_a: 50, other_load_a: 20 });
  });

  it("of a circuit without a meter knows other load as the config states it, or not", () => {
    const with_ = (worst: Partial<Circuit>) => ({
      ...depot,
      circuits: depot.circuits.map((c) => (c.id === "row-a" ? { ...c, meter: null, ...worst } : c)),
    });
    expect(explain({}, with_({ worstOtherA: [1, 7, 1] })).bound?.other_load_a).toBe(7);
    expect(explain({}, with_({})).bound?.other_load_a).toBeNull();
  });

  it("of a limit in kW names the power", () => {
    const changes = [sent(T - 1000, 8, "power_limit", { bound_by: "site power" })];
    const known = {
      ...depot,
      circuits: depot.circuits.map((c) => (c.id === "site" ? { ...c, limitW: 40_100 } : c)),
    };
    const why = explain({ changes }, known);
    expect(why.bound).toMatchObject({
      circuit: "site",
      line: null,
      limit_kw: 40.1,
      limit_a: null,
      sharers: 3,
    });
    expect(english(why)[0]).toContain(
      "site is at its limit in kW (40.1 kW limit, 3 EVSEs share the rest, 64 A together)",
    );
  });

  it("is null before the first limit", () => {
    expect(explainLimit({ ...facts, atMs: T - 11 * MINUTE }, depot)).toBeNull();
  });
});

describe("a station out of reach", () => {
  const connection = { atMs: T - 30_000, connected: false };

  it("holds its lease until it must have ended, then its fallback", () => {
    const held = explain({ connection });
    expect(held).toMatchObject({ limit_a: 16, reason: "station_offline", out_of_reach: { lapsed: false } });
    expect(english(held)[0]).toBe(
      "14:05:10 cp-14/1 (bus-14) may draw 16.0 A of 32.0 A (50 %): the station has been out of reach since 14:04:40; its lease ends by 14:05:40, then it falls back to 6.0 A.",
    );
    const fell = explain({ connection, atMs: T + 31_000 });
    expect(fell).toMatchObject({
      limit_a: 6,
      percent: 19,
      out_of_reach: { because: "station", lapsed: true },
    });
  });

  it("because the gateway does not run says so", () => {
    const why = explain({ gateway: { atMs: T - 90_000, running: false } });
    expect(english(why)[0]).toContain(
      "may draw 6.0 A of 32.0 A (19 %): the gateway has not run since 14:03:40; its lease ended by 14:04:40, and it fell back to 6.0 A.",
    );
    expect(english(why).at(-1)).toBe("To do: start it: laddport run.");
    expect(whySentences(why, "sv", at)[0]).toContain("gatewayen har inte körts sedan 14:03:40");
  });
});

describe("what else was going on", () => {
  it("orders of the grid side and open alerts are named", () => {
    const order = {
      id: "o1",
      revision: 1,
      circuit: "site",
      kind: "dimming",
      power_w: 40_100,
      source: "api",
    } as const;
    const from = new Date(T - MINUTE).toISOString();
    const alert = {
      id: "x",
      kind: "meter_stale",
      severity: "warning",
      subject: "grid-a",
      cause: "silent",
    } as const;
    const why = explain({
      orders: [{ ...order, from, until: null }],
      alerts: [{ ...alert, since_ms: T - 2 * MINUTE }],
    });
    expect(english(why)).toContain("Dimming by § 14a EnWG holds on site since 14:04:10: 40.1 kW.");
    expect(english(why)).toContain("Open since 14:03:10: meter_stale of grid-a: silent.");
    expect(whySentences(why, "sv", at)).toContain(
      "Dimning enligt § 14a EnWG gäller på site sedan 14:04:10: 40,1 kW.",
    );
  });
});

describe("a departure", () => {
  it("is named with what is wanted", () => {
    const departure = { id: "d", atMs: T + 60 * MINUTE, energyWh: 120_500, socPct: null };
    expect(english(explain({ departure }))).toContain("It is to leave at 15:05:10 with 120.5 kWh.");
    const soc = { ...departure, energyWh: null, socPct: 80 };
    expect(whySentences(explain({ departure: soc }), "sv", at)).toContain("Avresa 15:05:10 med 80 %.");
    expect(english(explain({ departure: { ...soc, socPct: null } }))).toContain(
      "It is to leave at 15:05:10.",
    );
  });
});

describe("after a restart of the gateway", () => {
  it("what was sent before holds, and the reason is that the gateway does not know yet", () => {
    const why = explain({ gateway: { atMs: T - 5000, running: true } });
    expect(why).toMatchObject({ limit_a: 16, reason: "safe_start", bound: null });
    expect(english(why)[0]).toContain("the gateway had just started");
  });
});

describe("words", () => {
  it.each(LIMIT_REASONS.map((reason) => [reason] as const))(
    "of %s are there in both languages and differ",
    (reason) => {
      const why = explain({ changes: [sent(T - 1000, 8, reason, bound)] });
      const [en, sv] = [whyWords("en").reasons[reason], whyWords("sv").reasons[reason]];
      for (const text of [en.why(why), en.toDo, sv.why(why), sv.toDo]) {
        expect(text.length).toBeGreaterThan(8);
        expect(text).not.toMatch(/undefined|null|NaN/);
      }
      expect(en.why(why)).not.toBe(sv.why(why));
      expect(en.toDo).toMatch(/\.$/);
      expect(sv.toDo).toMatch(/\.$/);
      // A reason that no circuit bound reads well, too.
      const unbound = { ...why, bound: null, bound_by: null };
      expect(en.why(unbound) + sv.why(unbound)).not.toMatch(/undefined|null/);
    },
  );
});

describe("time by reason", () => {
  it("adds up what each reason held, the longest first, with the mean limit", () => {
    const changes = [
      sent(0, 32, "station_max"),
      sent(10 * MINUTE, 16, "fair_share"),
      sent(20 * MINUTE, 8, "fair_share"),
      sent(50 * MINUTE, 0, "not_charging"),
    ];
    expect(timeByReason(changes, 5 * MINUTE, 60 * MINUTE)).toEqual([
      { reason: "fair_share", minutes: 40, mean_limit_a: 10 },
      { reason: "not_charging", minutes: 10, mean_limit_a: 0 },
      { reason: "station_max", minutes: 5, mean_limit_a: 32 },
    ]);
  });

  it("of before the first limit is no reason's", () => {
    expect(timeByReason([sent(10 * MINUTE, 6, "plan")], 0, 30 * MINUTE)).toEqual([
      { reason: "plan", minutes: 20, mean_limit_a: 6 },
      { reason: null, minutes: 10, mean_limit_a: null },
    ]);
  });

  it("is the stretch, whatever the changes", () => {
    const change = fc.record({
      at: fc.integer({ min: -100, max: 200 }),
      reason: fc.constantFrom(...LIMIT_REASONS),
    });
    fc.assert(
      fc.property(fc.array(change), (given) => {
        const changes = given.sort((a, b) => a.at - b.at).map((g) => sent(g.at * MINUTE, 6, g.reason));
        const sum = timeByReason(changes, 0, 100 * MINUTE).reduce((total, s) => total + s.minutes, 0);
        expect(sum).toBeCloseTo(100, 6);
      }),
    );
  });
});
