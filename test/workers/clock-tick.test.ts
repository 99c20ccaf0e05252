import { expect, it } from "vitest";
import type { DepotClock } from "../../src/model/clock.ts";
import { createTicker } from "../../src/workers/clock-tick.ts";

/** A clock that a test moves: `step` moves the wall clock alone. */
function movable(speed = 1) {
  let wall = Date.UTC(2026, 2, 2);
  let mono = 0;
  const clock: DepotClock = {
    origin: { realMs: 0, depotMs: 0, speed },
    nowMs: () => wall,
    monoMs: () => mono,
    realDelayMs: (ms) => ms / speed,
  };
  const pass = (ms: number) => {
    wall += ms;
    mono += ms;
  };
  const step = (ms: number) => {
    wall += ms;
  };
  return { clock, pass, step };
}

const bodyOf = (ticker: ReturnType<typeof createTicker>) => ticker.tick().body;

it("says whether the clock is synchronised, unknown, or that nobody asked", () => {
  const { clock } = movable();
  const state = new SharedArrayBuffer(4);
  const ticker = createTicker(clock, state);
  const word = new Int32Array(state);
  const said = [0, 1, 2].map((value) => {
    Atomics.store(word, 0, value);
    return (bodyOf(ticker) as { synchronised?: boolean | null }).synchronised;
  });
  expect(said).toEqual([null, true, false]);
  expect(bodyOf(createTicker(clock))).toEqual({ at: "2026-03-02T00:00:00.000Z" });
});

it("tells of a step once, with its direction, and not of drift", () => {
  const { clock, pass, step } = movable();
  const ticker = createTicker(clock);
  pass(60_000);
  step(-30_000);
  expect(bodyOf(ticker)).toMatchObject({ stepped_ms: -30_000 });
  pass(60_000);
  step(200);
  expect(bodyOf(ticker)).not.toHaveProperty("stepped_ms");
});

it("in accelerated depot time a millisecond of the host's clock is no step", () => {
  const { clock, pass, step } = movable(600);
  const ticker = createTicker(clock);
  pass(60_000);
  step(1_800);
  expect(bodyOf(ticker)).not.toHaveProperty("stepped_ms");
});
