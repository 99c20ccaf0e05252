import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { Id } from "../../src/model/ids.ts";
import { loadReplay } from "../../src/simulator/replay.ts";
import { hasRecordings, recordedFile } from "./recorded.ts";

const dir = mkdtempSync(join(tmpdir(), "laddport-replay-"));
afterAll(() => rmSync(dir, { recursive: true }));

const HEADER =
  "arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id,estimated_departure,claimed";

function row(arrival: string, departure: string, kwh: string, station: string, session: string): string {
  return `${arrival},${departure},10.0,${kwh},${station},${session},${departure},True`;
}

let files = 0;
function file(content: string | Buffer, name = "sessions.csv"): string {
  const path = join(dir, `${++files}-${name}`);
  writeFileSync(path, content);
  return path;
}

const TWO_DAYS = [
  HEADER,
  row("2019-06-12 08:00:00-07:00", "2019-06-12 16:30:00-07:00", "20.5", "CA-305", "a"),
  row("2019-06-12 23:50:00-07:00", "2019-06-13 07:00:00-07:00", "7.125", "CA-306", "b"),
  row("2019-06-13 09:00:00-07:00", "2019-06-13 10:00:00-07:00", "1.0", "CA-305", "c"),
].join("\n");

const load = (path: string, day?: string, timeZone?: string) =>
  loadReplay({ file: path, voltageV: 230, ...(day ? { day } : {}), ...(timeZone ? { timeZone } : {}) });

describe("a day of a record", () => {
  test("takes that day's arrivals in the file's own offset and follows the stays to their end", () => {
    const replay = load(file(TWO_DAYS), "2019-06-12");
    expect(replay.visits.map((v) => [v.id, v.station, v.recordedWh])).toEqual([
      ["a", "ca-305", 20_500],
      ["b", "ca-306", 7125],
    ]);
    expect(replay.visits[1]?.departureMs).toBe(Date.parse("2019-06-13T14:00:00Z"));
    expect(replay.timeZone).toBe("Etc/GMT+7");
    expect(replay.stations.map((s) => [s.id, s.phaseOrder])).toEqual([
      ["ca-305", "L1L2L3"],
      ["ca-306", "L2L3L1"],
    ]);
    expect(replay.notes).toEqual([]);
  });

  test("--time-zone moves the border of the day", () => {
    const ids = (day: string) => load(file(TWO_DAYS), day, "Europe/Stockholm").visits.map((v) => v.id);
    expect(ids("2019-06-12")).toEqual(["a"]);
    expect(ids("2019-06-13")).toEqual(["b", "c"]);
  });

  test("without a day it is the busiest one", () => {
    expect(load(file(TWO_DAYS)).day).toBe("2019-06-12");
  });

  test("gzip, JSON, JSON lines and the ACN-Data answer say the same", () => {
    const fields = HEADER.split(",");
    const records = TWO_DAYS.split("\n")
      .slice(1)
      .map((line) => Object.fromEntries(line.split(",").map((v, i) => [fields[i], v])));
    const numbers = records.map((r) => ({
      ...r,
      "delivered_energy (kWh)": Number(r["delivered_energy (kWh)"]),
    }));
    const items = records.map((r) => ({
      connectionTime: new Date(String(r.arrival)).toUTCString(),
      disconnectTime: new Date(String(r.departure)).toUTCString(),
      kWhDelivered: Number(r["delivered_energy (kWh)"]),
      stationID: r.station_id,
      sessionID: r.session_id,
      userInputs: null,
    }));
    const want = load(file(TWO_DAYS), "2019-06-12").visits;
    const zone = "America/Los_Angeles";
    for (const same of [
      file(gzipSync(TWO_DAYS), "x.csv.gz"),
      file(`\uFEFF${TWO_DAYS.replaceAll("\n", "\r\n")}\r\n`),
      file(TWO_DAYS.replaceAll(",", ";")),
      file(JSON.stringify(numbers), "x.json"),
      file(gzipSync(JSON.stringify({ sessions: records })), "x.json.gz"),
      file(records.map((r) => JSON.stringify(r)).join("\n"), "x.jsonl"),
      file(JSON.stringify({ _meta: {}, _items: items }), "acn.json"),
    ]) {
      expect(load(same, "2019-06-12", zone).visits).toEqual(want);
    }
  });

  test("overlapping stays at a station take a second one beside it, and it is said", () => {
    const path = file(
      [
        HEADER,
        row("2019-06-12 08:00:00Z", "2019-06-12 12:00:00Z", "5", "CA_1", "a"),
        row("2019-06-12 11:59:00Z", "2019-06-12 15:00:00Z", "5", "CA_1", "b"),
        row("2019-06-12 12:00:00Z", "2019-06-12 14:00:00Z", "5", "CA_1", "c"),
        row("2019-06-12 12:00:00Z", "2019-06-12 14:00:00Z", "5", "ca-1", "d"),
      ].join("\n"),
    );
    const { visits, notes, stations } = load(path, "2019-06-12");
    expect(visits.map((v) => [v.id, v.station]).sort()).toEqual([
      ["a", "ca-1"],
      ["b", "ca-1-2"],
      ["c", "ca-1"],
      ["d", "ca-1-3"],
    ]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain("line 3");
    expect(stations.every((s) => Id.safeParse(s.id).success)).toBe(true);
  });

  test("a row that stands twice is one session; two sessions of one id keep both", () => {
    const a = row("2019-06-12 08:00:00Z", "2019-06-12 12:00:00Z", "5", "s1", "a");
    const other = row("2019-06-12 08:00:00Z", "2019-06-12 12:00:00Z", "6", "s2", "a");
    const { visits, notes } = load(file([HEADER, a, a, other].join("\n")), "2019-06-12");
    expect(visits.map((v) => v.id)).toEqual(["a", "a#2"]);
    expect(notes).toEqual(["line 3 repeats line 2 and was left out."]);
  });

  test("names that other clients own, and names without a usable character, become other ids", () => {
    const rows = ["flows", "grid-1", "Ladestation Nr. 7 (Ostseite, Zufahrt B)", "???"].map((name, i) =>
      row("2019-06-12 08:00:00Z", "2019-06-12 12:00:00Z", "5", `"${name}"`, `s${i}`),
    );
    const ids = load(file([HEADER, ...rows].join("\n")), "2019-06-12").stations.map((s) => s.id);
    expect(ids).toEqual(["flows-cp", "grid-1-cp", "ladestation-nr-7-ostseite-zufa", "station"]);
  });

  test("a stay at a DC station charges with DC", () => {
    const rows = [
      row("2019-06-12 08:00:00Z", "2019-06-12 08:40:00Z", "25", "s1", "fast"),
      row("2019-06-12 10:00:00Z", "2019-06-12 18:00:00Z", "5", "s1", "slow"),
      row("2019-06-12 10:00:00Z", "2019-06-12 10:20:00Z", "900", "s2", "too much"),
    ];
    const { stations, visits, notes } = load(file([HEADER, ...rows].join("\n")), "2019-06-12");
    expect(stations.map((s) => s.kind)).toEqual(["dc", "dc"]);
    expect(
      visits.map((v) => [v.id, v.car.phases, v.car.maxMa >= (stations[0]?.minMa ?? 0), v.clamped ?? false]),
    ).toEqual([
      ["fast", 3, true, false],
      ["slow", 3, true, false],
      ["too much", 3, true, true],
    ]);
    expect(notes.join()).toContain("1 recorded stays took more");
  });
});

describe("what is refused", () => {
  const bad = (changed: string) => file([TWO_DAYS, changed].join("\n"));

  test.each([
    [row("2019-06-12 25:00:00Z", "2019-06-12 12:00:00Z", "5", "s", "x"), "arrival", '"2019-06-12 25:00:00Z"'],
    [row("2019-06-12 08:00:00-07:00", "soon", "5", "s", "x"), "departure", '"soon"'],
    [
      row("2019-06-12 08:00:00-07:00", "2019-06-12 07:00:00-07:00", "5", "s", "x"),
      "departure",
      "must be after",
    ],
    [
      row("2019-06-12 08:00:00-07:00", "2019-06-12 12:00:00-07:00", "", "s", "x"),
      "delivered_energy (kWh)",
      '""',
    ],
    [
      row("2019-06-12 08:00:00-07:00", "2019-06-12 12:00:00-07:00", "-1", "s", "x"),
      "delivered_energy (kWh)",
      '"-1"',
    ],
    [
      row("2019-06-12 08:00:00-07:00", "2019-06-12 12:00:00-07:00", "nan", "s", "x"),
      "delivered_energy (kWh)",
      '"nan"',
    ],
    [row("2019-06-12 08:00:00-07:00", "2019-06-12 12:00:00-07:00", "5", "", "x"), "station_id", '""'],
    ["2019-06-12 08:00:00-07:00,2019-06-12 12:00:00-07:00", "delivered_energy (kWh)", "nothing"],
  ])("%s", (changed, column, seen) => {
    expect(() => load(bad(changed), "2019-06-12")).toThrow(`line 5, column "${column}"`);
    expect(() => load(bad(changed), "2019-06-12")).toThrow(seen);
  });

  test("a bad row of another day is left out and said", () => {
    const path = bad(row("2019-06-13 08:00:00-07:00", "2019-06-13 12:00:00-07:00", "x", "s", "x"));
    expect(load(path, "2019-06-12").notes).toEqual([
      expect.stringContaining(
        'Left out 1 bad values on other days, first line 5, column "delivered_energy (kWh)"',
      ),
    ]);
    expect(() => load(path, "2019-06-13")).toThrow("line 5");
  });

  test("a file whose every row is bad is refused with the rows, day or no day", () => {
    const path = file(
      [HEADER, row("2019-06-12 08:00:00Z", "2019-06-12 07:00:00Z", "5", "s", "x")].join("\n"),
    );
    expect(() => load(path)).toThrow('line 2, column "departure"');
    expect(() => load(path, "2019-06-12")).toThrow('line 2, column "departure"');
  });

  test("a day without arrivals lists the days there are", () => {
    expect(() => load(file(TWO_DAYS), "2019-07-01")).toThrow(
      "no arrivals on 2019-07-01. It has 2 days, 2019-06-12 to 2019-06-13, with arrivals: 2019-06-12 (2), 2019-06-13 (1).",
    );
  });

  test("missing columns are named beside those there are", () => {
    expect(() => load(file("arrival,leave,kwh\n1,2,3\n"))).toThrow(
      'lacks the columns "departure", "delivered_energy (kWh)", "station_id". It has "arrival", "leave", "kwh"',
    );
  });

  test.each([
    ["", "is empty"],
    [HEADER, "no sessions"],
    ["[]", "no sessions"],
    ["{}", "no list of sessions"],
    ["[1, 2]", "item 1 is 1"],
    ['{"arrival": ', "not readable as JSON"],
    [Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), "does not unpack"],
  ])("%j", (content, message) => {
    expect(() => load(file(content))).toThrow(message);
  });

  test("a missing file, a wrong zone, a wrong day", () => {
    expect(() => load(join(dir, "nowhere.csv"))).toThrow("Check the path");
    expect(() => load(file(TWO_DAYS), "2019-06-12", "Europe/Goteborg")).toThrow("not a known time zone");
    expect(() => load(file(TWO_DAYS), "12 June")).toThrow("YYYY-MM-DD");
  });
});

describe.skipIf(!hasRecordings)("the recorded files", () => {
  test.each([
    ["jpl", "2019-06-12", 72],
    ["caltech", "2019-06-12", 46],
  ] as const)("%s on %s", (name, day, arrivals) => {
    const replay = load(recordedFile(name), day);
    expect(replay.visits).toHaveLength(arrivals);
    expect(replay.notes).toEqual([]);
    expect(replay.visits.every((v) => v.clamped === undefined)).toBe(true);
    expect(replay.stations.every((s) => s.kind === "ac")).toBe(true);
  });
});
