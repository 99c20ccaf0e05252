import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freeDepotPorts, initDemo } from "../../src/cli/init.ts";
import { type ReportOptions, report } from "../../src/cli/report.ts";
import { betweenFaults, csvCell } from "../../src/cli/report-text.ts";
import { sessionsShow } from "../../src/cli/sessions.ts";
import type { ReportRow } from "../../src/rules/report-tally.ts";
import { reportWords } from "../../src/rules/report-texts.ts";
import { numberIn } from "../../src/rules/report-words.ts";
import { scratchDir } from "../log/sample-events.ts";
import { DEPOT, DepotLog, spec } from "../rules/depot-events.ts";
import { foldedLog } from "../web/folded-log.ts";

function captured() {
  const text = { out: "", err: "" };
  const io = {
    stdout: {
      write(chunk: string) {
        text.out += chunk;
      },
    },
    stderr: {
      write(chunk: string) {
        text.err += chunk;
      },
    },
  };
  return { text, io };
}

/** Two evenings at one EVSE. */
async function written(): Promise<string> {
  const dir = scratchDir();
  const log = DepotLog.started().hello({ at: 0 });
  for (const [ref, from] of [
    ["t1", 0],
    ["t2", 86_400],
  ] as const) {
    log.start({ at: from, ref, wh: 1_000, state: "charging" });
    log.samples({ from: from + 60, to: from + 3_540, every: 60, wh: 1_100, stepWh: 100 });
    log.update({ at: from + 3_600, ref, wh: 7_000, state: "suspended_ev" });
    log.samples({ from: from + 3_660, to: from + 4_140, every: 60, wh: 7_000, stepWh: 0 });
    log.stop({ at: from + 4_200, ref, wh: 7_000 }).status("available", { at: from + 4_200 });
  }
  await (await foldedLog(dir, log.events, { ...DEPOT, evses: new Map([["cp-01/1", spec()]]) })).close();
  return dir;
}

async function reported(data: string, options: Partial<ReportOptions> = {}) {
  const { text, io } = captured();
  const exit = await report({ data, from: "2026-03-02", by: "day", ...options }, io);
  return { exit, ...text };
}

describe("laddport report", () => {
  it("is a table with units, a row each and the total", async () => {
    const { exit, out, err } = await reported(await written());
    expect(exit).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toBe("2026-03-02 to 2026-03-03, both inclusive, Europe/Stockholm");
    expect(lines[1]?.split(/ {2,}/).slice(0, 3)).toEqual(["day", "kWh", "sessions"]);
    expect(lines.slice(2).map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ["2026-03-02", "6.0", "1"],
      ["2026-03-03", "6.0", "1"],
      ["total", "12.0", "2"],
    ]);
    expect(lines.at(-1)).toContain("37.50 SEK");
    expect(err).toContain("a config names all of them");
  });

  it("is one JSON object on stdout", async () => {
    const { out } = await reported(await written(), { json: true, to: "2026-03-02" });
    const made = JSON.parse(out);
    expect(Object.keys(made)).toEqual(["from", "to", "time_zone", "by", "rows", "total", "notes"]);
    expect(made.total).toMatchObject({ energy_wh: 6_000, idle_ms: 600_000, to: "2026-03-02T23:00:00.000Z" });
  });

  it("takes a month for its days", async () => {
    const { out } = await reported(await written(), {
      json: true,
      from: "2026-03",
      to: "2026-03",
      by: "month",
    });
    expect(JSON.parse(out)).toMatchObject({
      from: "2026-03-01",
      to: "2026-03-31",
      rows: [{ key: "2026-03" }],
    });
  });

  it.each([
    [{ from: "2026-02-30" }, "--from 2026-02-30 is no date"],
    [{ from: "March" }, "--from March is no date"],
    [{ to: "2026-03-01" }, "is before --from"],
  ])("refuses %j", async (options, message) => {
    await expect(reported(await written(), options)).rejects.toThrow(message);
  });

  it("writes CSV with a row each and the total", async () => {
    const csv = join(scratchDir(), "report.csv");
    const { err } = await reported(await written(), { csv });
    expect(err).toContain("report.csv written");
    const lines = readFileSync(csv, "utf8").split("\r\n");
    expect(lines[0]).toMatch(/^day,from,to,energy_kwh,.*,cost_sek,cost_per_kwh_sek$/);
    expect(lines.slice(1, 4).map((line) => line.split(",")[3])).toEqual(["6.000", "6.000", "12.000"]);
    expect(lines[4]).toBe("");
    expect(new Set(lines.slice(0, 4).map((line) => line.split(",").length)).size).toBe(1);
  });
});

describe("the page", () => {
  async function page(options: Partial<ReportOptions> = {}): Promise<string> {
    const html = join(scratchDir(), "report.html");
    await reported(await written(), { html, ...options });
    return readFileSync(html, "utf8");
  }

  /** Left edges and words of the labels above the cells. */
  const dates = (html: string) =>
    [
      ...html.slice(0, html.indexOf("</svg>")).matchAll(/<text x="([\d.]+)" y="12(?:\.0)?">([^<]*)<\/text>/g),
    ].map(([, x, text]) => ({
      x: Number(x),
      text,
    }));

  it("needs nothing from anywhere", async () => {
    expect(await page()).not.toMatch(/<script|https?:|src=|@import|url\(/);
  });

  it("has a cell an hour of each day, a bar an EVSE, and the figures", async () => {
    const html = await page();
    expect(html.match(/<title>2026-03-0[23] \d\d:00: /g)).toHaveLength(48);
    expect(html).toContain("cp-01/1: charging 2.0 h");
    expect(html).toContain("37.50 SEK");
  });

  it("is in Swedish with Swedish numbers where that is asked for, and the table on the terminal is as it was", async () => {
    const html = await page({ lang: "sv" });
    expect(html).toContain('<html lang="sv">');
    expect(html).toContain("<h1>Laddning från 2026-03-02 till 2026-03-03</h1>");
    expect(html).toContain("37,50 SEK");
    expect(html).toContain("cp-01/1: laddar 2,0 h");
    expect(html).toMatch(/Loggen slutar 2026-03-03 \d\d:\d\d UTC; andelarna gäller tiden fram till dess\./);
    const words = html.replace(/<style>.*<\/style>/s, "").replace(/<[^>]*>/g, " ");
    expect(words).not.toMatch(/\d\.\d|\b(the|of|and|sessions|held|total|charging)\b/i);
    const { out } = await reported(await written(), { lang: "sv" });
    expect(out).toContain("37.50 SEK");
  });

  it("is in the language of the site where none is asked for", async () => {
    const { config } = await initDemo(join(scratchDir(), "depot"), {
      ports: await freeDepotPorts(),
      stations: 1,
    });
    writeFileSync(config, readFileSync(config, "utf8").replace(/^( *)language: .*$/m, "$1language: sv"));
    expect(await page({ config })).toContain('<html lang="sv">');
    expect(await page({ config, lang: "en" })).toContain('<html lang="en">');
  });

  it("draws few days as rows over the width of the page, and many as columns whose dates do not touch", async () => {
    const few = await page();
    expect(few).toContain("Charging from 2026-03-02 to 2026-03-03");
    expect(await page({ to: "2026-03-02" })).toContain("<h1>Charging on 2026-03-02</h1>");
    expect(dates(few).map(({ text }) => text)).toEqual(
      ["00", "03", "06", "09", "12", "15", "18", "21"].map((hour) => `${hour}:00`),
    );
    const month = dates(await page({ from: "2026-03", to: "2026-03" }));
    expect(month[0]).toEqual({ x: 40, text: "03-01" });
    month.slice(1).forEach(({ x }, i) => {
      expect(x - (month[i]?.x ?? 0)).toBeGreaterThan(50);
    });
    expect(month.at(-1)?.x).toBeLessThan(926);
  });
});

it("a number has the groups and the decimal sign of its language", () => {
  const shown = (lang: "sv" | "en") =>
    ["1234567.5", "999", "1000", ">= 7200", ""].map((text) => numberIn(reportWords(lang), text));
  expect(shown("sv")).toEqual(["1\u202f234\u202f567,5", "999", "1\u202f000", ">= 7\u202f200", ""]);
  expect(shown("en")).toEqual(["1,234,567.5", "999", "1,000", ">= 7,200", ""]);
});

it.each([
  ["fault:GroundFailure", "fel: GroundFailure", "fault: GroundFailure"],
  ["meter_gap", "lucka i avläsningarna", "meter gap"],
  ["reboot", "omstart", "reboot"],
  ["constructor", "constructor", "constructor"],
])("the cause %s is told in both languages", (cause, sv, en) => {
  expect([reportWords("sv").cause(cause), reportWords("en").cause(cause)]).toEqual([sv, en]);
});

describe("cells of a spreadsheet", () => {
  it.each([
    ["=1+1", `"'=1+1"`],
    ["@sum", `"'@sum"`],
    ["+46", `"'+46"`],
    ["-", `"'-"`],
    ["-2.50", "-2.50"],
    [-3, "-3"],
    ["a,b", `"a,b"`],
    [`say "x"`, `"say ""x"""`],
  ])("%j becomes %s", (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });
});

it("says at least how long where nothing failed", () => {
  const row = (mtbf_h: number | null, mtbf_at_least_h: number | null) =>
    betweenFaults({ mtbf_h, mtbf_at_least_h } as ReportRow);
  expect([row(12.34, null), row(null, 720.9), row(null, null)]).toEqual(["12.3", ">= 720", ""]);
});

it("shows where the time of a session went", async () => {
  const { text, io } = captured();
  const data = await written();
  await sessionsShow({ data, id: "s3-4" }, io);
  expect(text.out).toContain("minutes: charging 60, idle after full 10");
  const json = captured();
  await sessionsShow({ data, id: "s3-4", json: true }, json.io);
  expect(JSON.parse(json.text.out).durations).toMatchObject({ session_ms: 4_200_000, idle_ms: 600_000 });
});
