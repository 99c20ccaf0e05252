import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { integer, lineOf, seriesOf, timeOf } from "../../src/sinks/line-protocol.ts";
import { createDatabase, INFLUXD, queryInflux, startInfluxd } from "./databases.ts";

describe("line protocol text", () => {
  it("sorts tags, escapes names, quotes strings, marks integers", () => {
    const series = seriesOf("my evse,x=y", { "t=1": "a b,c=d", a: "plain", gone: "" });
    expect(series).toBe("my\\ evse\\,x=y,a=plain,t\\=1=a\\ b\\,c\\=d");
    const fields = { f: 1.5, i: integer(3), big: 12345678901234567n, t: true, s: 'say "\\"' };
    expect(lineOf("m", fields, 1000)).toBe(
      'm f=1.5,i=3i,big=12345678901234567i,t=true,s="say \\"\\\\\\"" 1000',
    );
  });

  it("leaves out what cannot be written and gives no line when nothing is left", () => {
    expect(lineOf("m", { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: undefined, d: 1 }, 5)).toBe(
      "m d=1 5",
    );
    expect(lineOf("m", { a: Number.NaN }, 5)).toBeUndefined();
    expect(lineOf("m", { a: 1 }, Number.NaN)).toBeUndefined();
    expect(lineOf("m", { a: 1 }, 5.5)).toBeUndefined();
    expect(integer(1.5)).toBeUndefined();
  });

  it("lets no text begin a second line, whatever is in it", () => {
    const nasty = "x\nevse,station=cp-001 power_w=1 1\r\\";
    const line = lineOf(seriesOf(nasty, { [nasty]: nasty }), { [nasty]: nasty }, 7) ?? "";
    expect(line.split(/[\n\r]/)).toHaveLength(1);
    expect(timeOf(line)).toBe(7);
  });
});

describe.skipIf(!INFLUXD)("line protocol, read back from InfluxDB 1.6", () => {
  it("comes back as it went in, for any text and number", async () => {
    const influx = await startInfluxd(INFLUXD ?? "");
    try {
      await createDatabase(influx.url, "depot");
      const text = fc.oneof(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
        fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
        fc.stringMatching(/^[ ,="\\\n\t#a]{1,8}$/),
      );
      const point = fc.record({
        tag: text,
        field: text,
        float: fc.double({ noNaN: true, noDefaultInfinity: true }),
        whole: fc.maxSafeInteger(),
        yes: fc.boolean(),
      });
      const numRuns = process.env.DEEP ? 50 : 1;
      let batch = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(point, { minLength: 60, maxLength: 60 }), async (points) => {
          const measurement = `run ${batch++},=`;
          const lines = points.map((p, i) =>
            lineOf(
              seriesOf(measurement, { "a tag,=": p.tag }),
              { "s p,=": p.field, f: p.float, i: integer(p.whole), b: p.yes },
              i + 1,
            ),
          );
          const answer = await fetch(`${influx.url}/write?db=depot&precision=ms`, {
            method: "POST",
            body: lines.join("\n"),
          });
          expect(await answer.text()).toBe("");
          const [rows] = await queryInflux(
            influx.url,
            "depot",
            `SELECT "a tag,=", "s p,=", "f", "i", "b" FROM "${measurement}"`,
          );
          expect(rows?.values).toEqual(
            points.map((p, i) => [
              i + 1,
              controlsAs(p.tag, "_").replaceAll("\\", "_"),
              controlsAs(p.field, " "),
              p.float + 0 === 0 ? 0 : p.float,
              p.whole,
              p.yes,
            ]),
          );
        }),
        { numRuns, endOnFailure: true },
      );
    } finally {
      await influx.stop();
    }
  }, 120_000);
});

/** What the writer promises for characters that have no safe form. */
function controlsAs(text: string, by: string): string {
  return [...text.toWellFormed()]
    .map((c) => (/[\p{Cc}\u2028\u2029]/u.test(c) && !isHighC1(c) ? by : c))
    .join("");
}

/** Of the C1 controls only NEL ends a line anywhere. */
function isHighC1(c: string): boolean {
  return c >= "\u0080" && c <= "\u009f" && c !== "\u0085";
}
