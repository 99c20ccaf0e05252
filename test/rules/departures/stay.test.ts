import { describe, expect, it } from "vitest";
import { isPlugged, type Seen, type Stay, stayAfter } from "../../../src/rules/departures/stay.ts";

const NOBODY: Seen = {
  connector: "available",
  charging: null,
  registerWh: 1_000,
  socPct: null,
  session: null,
  vehicle: null,
  group: null,
  wish: null,
};
const seen = (more: Partial<Seen>): Seen => ({ ...NOBODY, connector: "occupied", ...more });
const session = (energyWh: number, asOf: string, id = "s1", startedMs = 50) => ({
  id,
  startedMs,
  energyWh,
  asOf,
});
const after = (...looks: Seen[]) =>
  looks.reduce<Stay | null>((stay, one, i) => stayAfter(stay, one, 100 * (i + 1)), null);

describe("a stay", () => {
  it("begins when a car is plugged in, with a session or without, and ends when it is unplugged", () => {
    expect(after(NOBODY)).toBeNull();
    expect(after(NOBODY, seen({}))).toMatchObject({ pluggedMs: 200, vehicle: null, deliveredWh: 0 });
    expect(after(seen({}), NOBODY)).toBeNull();
    expect(after(seen({}), NOBODY, seen({}))).toMatchObject({ pluggedMs: 300 });
  });

  it("goes by the session where a station has said nothing of its connector yet", () => {
    const silent = { ...NOBODY, connector: null };
    expect(isPlugged(silent)).toBe(false);
    expect(isPlugged({ ...silent, session: session(0, "a") })).toBe(true);
    expect(isPlugged({ ...NOBODY, session: session(0, "a") })).toBe(false);
    expect(isPlugged({ ...silent, charging: "suspended_ev" })).toBe(true);
  });

  it("began when its session did, also for a gateway that started later", () => {
    expect(after(seen({ session: session(3_000, "a") }))).toMatchObject({
      pluggedMs: 50,
      deliveredWh: 3_000,
    });
  });

  it("has what its sessions took, and what the register has gone on since they were last heard of", () => {
    const looks = [
      seen({ registerWh: 1_000 }),
      seen({ registerWh: 1_200, session: session(150, "a") }),
      seen({ registerWh: 1_700, session: session(150, "a") }),
      seen({ registerWh: 1_900, session: session(880, "b") }),
    ];
    expect(looks.map((_, i) => after(...looks.slice(0, i + 1))?.deliveredWh)).toEqual([0, 150, 650, 880]);
  });

  it("keeps what an ended session took when another begins without unplugging", () => {
    const looks = [
      seen({ registerWh: 1_000, session: session(500, "a"), vehicle: "bus-14", group: "line" }),
      seen({ registerWh: 1_000 }),
      seen({ registerWh: 1_010, session: session(10, "b", "s2", 200) }),
    ];
    expect(after(...looks)).toMatchObject({
      deliveredWh: 510,
      pluggedMs: 50,
      vehicle: "bus-14",
      group: "line",
    });
  });

  it("counts what a vehicle still wants on from what it had when it said so", () => {
    const wish = { number: 1, departMs: 9_000, requestWh: 20_000 };
    const looks = [
      seen({ registerWh: 1_000, session: session(500, "a") }),
      seen({ registerWh: 1_000, session: session(500, "a"), wish }),
      seen({ registerWh: 4_000, session: session(3_500, "b"), wish }),
    ];
    expect(after(...looks)?.wish).toEqual({ number: 1, departMs: 9_000, energyWh: 20_500 });
    const again = seen({ registerWh: 4_000, wish: { number: 2, departMs: null, requestWh: 1 } });
    expect(after(...looks, again)?.wish).toEqual({ number: 2, departMs: null, energyWh: 3_501 });
    expect(after(...looks, NOBODY, seen({}))?.wish).toBeNull();
  });

  it("takes nothing away when a register falls back", () => {
    const looks = [seen({ registerWh: 9_000, session: session(500, "a") }), seen({ registerWh: 3 })];
    expect(after(...looks)?.deliveredWh).toBe(500);
  });
});
