import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countsAsClosed, INPUT_KEPT_MS } from "../../../src/rules/grid/input.ts";
import {
  firstReaction,
  type Reaction,
  reactionAfter,
  type Verdict,
} from "../../../src/rules/grid/reaction.ts";

const LIMIT_W = 40_110;
const REACTION_MS = 60_000;

/** Powers a second apart, and the news that they make. */
function run(powers: readonly (number | null)[], from: Reaction = firstReaction(0)) {
  let reaction = from;
  const news: (Verdict & { second: number })[] = [];
  for (const [second, powerW] of powers.entries()) {
    const next = reactionAfter(reaction, {
      nowMs: second * 1_000,
      powerW,
      limitW: LIMIT_W,
      reactionMs: REACTION_MS,
    });
    reaction = next.reaction;
    if (next.news) news.push({ ...next.news, second });
  }
  return { reaction, news };
}

const times = (n: number, power: number | null) => Array.from({ length: n }, () => power);

describe("the reaction to an order", () => {
  it("is met once, at the moment the meter is at the limit", () => {
    const { news } = run([90_000, 60_000, LIMIT_W, 39_000, 38_000]);
    expect(news).toEqual([{ met: true, powerW: LIMIT_W, afterMs: 2_000, second: 2 }]);
  });

  it("is missed once when the reaction time passes, and met when it comes after all", () => {
    const { news } = run([...times(70, 90_000), 40_000]);
    expect(news).toEqual([
      { met: false, powerW: 90_000, afterMs: 61_000, second: 61 },
      { met: true, powerW: 40_000, afterMs: 70_000, second: 70 },
    ]);
  });

  it("is missed when nothing is measured: what cannot be proven is not kept", () => {
    expect(run(times(70, null)).news).toEqual([{ met: false, powerW: null, afterMs: 61_000, second: 61 }]);
  });

  it("does not mind a moment above", () => {
    expect(run([40_000, ...times(59, 41_000), 40_000, ...times(59, 41_000), 40_000]).news).toHaveLength(1);
  });

  it("is missed when it is exceeded for longer later on", () => {
    expect(run([40_000, ...times(62, 41_000)]).news.map(({ met }) => met)).toEqual([true, false]);
  });

  it("never tells the same verdict twice in a row", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 80 }), fc.constantFrom(null, 30_000, 50_000)), {
          maxLength: 12,
        }),
        (runs) => {
          const { news } = run(runs.flatMap(([n, power]) => times(n, power)));
          for (const [i, { met }] of news.entries()) expect(met).not.toBe(news[i - 1]?.met);
        },
      ),
    );
  });
});

describe("a digital input", () => {
  it("is what it said last for a minute of silence, then closed", () => {
    for (const closed of [true, false]) {
      expect(countsAsClosed({ closed, atMs: 0 }, INPUT_KEPT_MS)).toBe(closed);
      expect(countsAsClosed({ closed, atMs: 0 }, INPUT_KEPT_MS + 1)).toBe(true);
    }
  });

  it("is unknown before its first word, and closed when none comes", () => {
    expect(countsAsClosed({ closed: null, atMs: 0 }, 1_000)).toBeNull();
    expect(countsAsClosed({ closed: null, atMs: 0 }, INPUT_KEPT_MS + 1)).toBe(true);
  });
});
