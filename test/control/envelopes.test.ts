import { describe, expect, test } from "vitest";
import { createEnvelopes } from "../../src/control/envelopes.ts";

const times = { leaseMs: 60_000, deliveryMs: 30_000, reactionMs: 10_000, followMs: 5000 };
const LONGEST = 100_000;
const make = (fallbackA = 6) => createEnvelopes([{ maxA: 32, fallbackA }], times, 0);

/** An EVSE that holds `limitA` since `atMs`, confirmed at once. */
function holding(limitA: number, atMs = 0) {
  const e = make();
  e.sent(0, 1, limitA, e.validMs(0, limitA), atMs);
  e.confirmed(0, 1, limitA, atMs);
  return e;
}

describe("at start", () => {
  test("nothing is known: the station's maximum, until the longest lease has run out, then the fallback", () => {
    const e = make();
    expect(e.mostA(0, 0)).toBe(32);
    expect(e.leastA(0, 0)).toBe(0);
    expect(e.mostA(0, LONGEST - 1)).toBe(32);
    expect(e.mostA(0, LONGEST)).toBe(6);
  });

  test("a confirmation of this run ends that; one of an earlier run does not", () => {
    const e = make();
    expect(e.confirmed(0, 99, 10, 1000)).toBe(false);
    e.sent(0, 100, 10, 60_000, 2000);
    expect(e.confirmed(0, 99, 8, 2500)).toBe(false);
    expect(e.confirmed(0, 101, 8, 2500)).toBe(false);
    expect(e.mostA(0, 2500)).toBe(32);
    expect(e.confirmed(0, 100, 10, 3000)).toBe(true);
    expect(e.mostA(0, 3000)).toBe(10);
  });
});

describe("sent and confirmed", () => {
  test("a raise counts from its sending, a cut from its confirmation", () => {
    const e = holding(16);
    e.sent(0, 2, 20, 60_000, 1000);
    expect(e.mostA(0, 1000)).toBe(20);
    expect(e.leastA(0, 1000)).toBe(16);
    e.confirmed(0, 2, 20, 2000);
    e.sent(0, 3, 8, 60_000, 3000);
    expect([e.mostA(0, 3000), e.leastA(0, 3000)]).toEqual([20, 8]);
    expect(e.isConfirmed(0)).toBe(false);
    e.confirmed(0, 3, 8, 4000);
    expect([e.mostA(0, 4000), e.leastA(0, 4000)]).toEqual([8, 8]);
    expect(e.isConfirmed(0)).toBe(true);
  });

  test("a car has five seconds to follow a cut that was confirmed, and may draw what it did until then", () => {
    const e = holding(20);
    e.sent(0, 2, 10, 60_000, 1000);
    e.confirmed(0, 2, 10, 2000);
    e.sent(0, 3, 8, 60_000, 3000);
    e.confirmed(0, 3, 8, 4000);
    expect(e.mostA(0, 4000)).toBe(8);
    expect(e.mayDrawA(0, 6999)).toBe(20);
    expect(e.mayDrawA(0, 7000)).toBe(10);
    expect(e.mayDrawA(0, 9000)).toBe(8);
  });

  test("an older confirmation that arrives late never counts", () => {
    const e = holding(16);
    e.sent(0, 2, 8, 60_000, 1000);
    e.sent(0, 3, 20, 60_000, 2000);
    e.confirmed(0, 3, 20, 3000);
    expect(e.confirmed(0, 2, 8, 4000)).toBe(false);
    expect(e.mostA(0, 4000)).toBe(20);
  });

  test("a confirmation of an earlier one of several leaves the later ones open", () => {
    const e = holding(10);
    e.sent(0, 2, 20, 60_000, 1000);
    e.sent(0, 3, 12, 60_000, 2000);
    e.confirmed(0, 2, 20, 3000);
    expect([e.mostA(0, 3000), e.leastA(0, 3000)]).toEqual([20, 12]);
  });

  test("a station that holds less than it was sent is believed", () => {
    const e = make();
    e.sent(0, 1, 20, 60_000, 0);
    e.confirmed(0, 1, 16, 1000);
    expect(e.mostA(0, 1000)).toBe(16);
    expect(e.confirmedA(0, 1000)).toBe(16);
  });
});

describe("leases", () => {
  test("a limit above the fallback holds for its lease and the car's reaction, then the fallback", () => {
    const e = holding(16);
    expect(e.mostA(0, 69_999)).toBe(16);
    expect(e.mostA(0, 70_000)).toBe(6);
    // At the station it may have ended already, so sending 16 again would raise.
    expect(e.leastA(0, 59_999)).toBe(16);
    expect(e.leastA(0, 60_000)).toBe(6);
  });

  test("an unconfirmed raise counts as long as it may have arrived late and still hold", () => {
    const e = holding(6);
    e.sent(0, 2, 20, 60_000, 0);
    expect(e.mostA(0, 99_999)).toBe(20);
    expect(e.mostA(0, 100_000)).toBe(6);
  });

  test("a limit below the fallback lasts three times as long as any other, and the fallback is reserved in time", () => {
    const e = holding(0);
    const valid = e.validMs(0, 0);
    expect(valid).toBe(3 * LONGEST);
    expect(e.mostA(0, valid - LONGEST - 1)).toBe(0);
    expect(e.mostA(0, valid - LONGEST)).toBe(0);
    expect(e.mostA(0, valid - LONGEST + 1)).toBe(6);
    // Half of it is left when it is renewed: longer than the longest lease above a fallback can hold then.
    expect(valid / 2).toBeGreaterThan(LONGEST);
  });

  test("a restarted station is at its fallback or at what it was sent since", () => {
    const e = holding(20);
    e.rebooted(0);
    expect(e.mostA(0, 1000)).toBe(6);
    expect(e.confirmedA(0, 1000)).toBeNull();
    e.sent(0, 2, 12, 60_000, 2000);
    expect([e.mostA(0, 2000), e.leastA(0, 2000)]).toEqual([12, 6]);
  });
});
