import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Beliefs, learned, type SaidStay } from "../../../src/rules/plan/beliefs.ts";

const H = 3_600_000;

function said(part: Partial<SaidStay> = {}): SaidStay {
  return {
    id: "s",
    vehicle: null,
    group: null,
    source: null,
    fromMs: 0,
    hour: 8,
    departMs: 8 * H,
    energyKwh: 20,
    ...part,
  };
}

/** `n` stays that left `laterH` after what was said, with `part` of what was said. */
function lived(beliefs: Beliefs, n: number, laterH: number, part: number, of: Partial<SaidStay> = {}): void {
  for (let k = 0; k < n; k++) {
    const stay = said({ id: `past ${k}`, ...of });
    beliefs.left(stay, (stay.departMs as number) + laterH * H, part * (stay.energyKwh as number), true);
  }
}

describe("beliefs", () => {
  it("a driver who says the same odd number again is told by its own stays more than by others", () => {
    const beliefs = learned();
    for (let k = 0; k < 20; k++) {
      lived(beliefs, 1, 0, 0.9, { id: `other ${k}` });
      lived(beliefs, 1, -3, 0.3, { id: `odd ${k}`, energyKwh: 20.85 });
    }
    const odd = beliefs.of(said({ energyKwh: 20.85 }), 0, 0);
    expect(odd.departs.p50).toBe(5 * H);
    expect(odd.wants.p50).toBeCloseTo(0.3 * 20.85, 6);
  });

  it("shortage is what vehicles left without, by what was believed of them", () => {
    const beliefs = learned();
    const before = beliefs.of(said(), 0, 0).shortage;
    lived(beliefs, 100, 0, 1);
    expect(beliefs.of(said(), 0, 0).shortage).toBeLessThan(before);
    for (let k = 0; k < 300; k++) beliefs.left(said({ id: `short ${k}` }), 8 * H, 5, false);
    expect(beliefs.of(said(), 0, 0).shortage).toBeGreaterThan(0.5);
  });

  it("a vehicle's own history comes before its group's, and that before everybody's", () => {
    const beliefs = learned();
    lived(beliefs, 40, 0, 1);
    lived(beliefs, 20, 1, 0.5, { group: "pool" });
    lived(beliefs, 12, -2, 0.25, { group: "pool", vehicle: "van-3" });
    const own = beliefs.of(said({ id: "a", group: "pool", vehicle: "van-3" }), 0, 0);
    expect([own.departs.p50, own.wants.p50, own.examples.departures]).toEqual([6 * H, 5, 12]);
    const mates = beliefs.of(said({ id: "b", group: "pool", vehicle: "van-9" }), 0, 0);
    expect([mates.departs.p50, mates.wants.p50]).toEqual([9 * H, 10]);
    const stranger = beliefs.of(said({ id: "c", group: "guests" }), 0, 0);
    expect([stranger.departs.p50, stranger.wants.p50]).toEqual([8 * H, 20]);
  });

  it("each source has its own bias: a timetable that is kept says nothing of what drivers say", () => {
    const beliefs = learned();
    lived(beliefs, 30, 0, 1, { source: "file" });
    lived(beliefs, 30, -3, 0.5, { source: "station" });
    expect(beliefs.of(said({ id: "a", source: "file" }), 0, 0).departs.p50).toBe(8 * H);
    expect(beliefs.of(said({ id: "b", source: "station" }), 0, 0).departs.p50).toBe(5 * H);
  });

  it("before there is any history a schedule is taken at its word, a driver's estimate is not", () => {
    const spread = (source: SaidStay["source"]) => {
      const { departs, examples } = learned().of(said({ source }), 0, 0);
      expect(examples.departures).toBe(0);
      return (departs.p90 - departs.p10) / H;
    };
    expect(spread("file")).toBeLessThan(1);
    expect(spread("station")).toBeGreaterThan(3);
  });

  it("who stays beyond all that was expected is a guest, with hours to go and no examples", () => {
    const beliefs = learned();
    const belief = beliefs.of(said({ source: "file" }), 20 * H, 0);
    expect(belief).toMatchObject({ guest: true, examples: { departures: 0 } });
    expect(belief.departs.p10).toBeGreaterThan(20 * H);
  });

  it("nothing said: what others stayed and took", () => {
    const beliefs = learned();
    lived(beliefs, 40, -4, 0.5);
    const belief = beliefs.of(said({ departMs: null, energyKwh: null }), 0, 0);
    expect([belief.departs.p50, belief.wants.p50]).toEqual([4 * H, 10]);
  });

  it("what changes in what was said is believed at once", () => {
    const beliefs = learned();
    beliefs.of(said({ source: "file" }), 0, 0);
    expect(beliefs.of(said({ source: "file", departMs: 3 * H }), 0, 0).departs.p50).toBe(3 * H);
  });

  it("any history: times to come in order, energy beyond what it has, quantiles in order", () => {
    const past = fc.array(
      fc.tuple(fc.double({ min: -7, max: 9, noNaN: true }), fc.double({ min: 0.01, max: 2, noNaN: true })),
    );
    fc.assert(
      fc.property(past, fc.double({ min: 0, max: 30, noNaN: true }), fc.nat(60), (list, nowH, gotKwh) => {
        const beliefs = learned();
        for (const [laterH, part] of list) lived(beliefs, 1, laterH, part, { vehicle: "v" });
        const { stays, asked, departs, wants } = beliefs.of(said({ vehicle: "v" }), nowH * H, gotKwh);
        stays.forEach(({ untilMs }, k) => {
          expect(untilMs).toBeGreaterThan(nowH * H);
          expect(untilMs).toBeGreaterThanOrEqual(stays[k - 1]?.untilMs ?? 0);
        });
        for (const { upToKwh } of asked) expect(upToKwh).toBeGreaterThan(gotKwh);
        for (const { p10, p50, p90 } of [departs, wants]) {
          expect(p10).toBeLessThanOrEqual(p50);
          expect(p50).toBeLessThanOrEqual(p90);
        }
      }),
    );
  });
});
