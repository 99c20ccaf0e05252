import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readDuration } from "../../src/cli/demo-command.ts";
import { demoKeys, writeDemoDepot } from "../../src/cli/demo-depot.ts";
import { influxSection } from "../../src/cli/demo-influx.ts";
import { type DemoOptions, originOf, paceOf, whatIsPlayed } from "../../src/cli/demo-plan.ts";
import { readDepartureFile } from "../../src/cli/departure-file.ts";
import { evseSpecs, fleet, loadConfig } from "../../src/config.ts";
import { depotClock } from "../../src/model/clock.ts";

const NOW = Date.UTC(2026, 10, 22, 3);

const options: DemoOptions = { stations: 5, forMs: 60_000, flows: false, mischief: true, seed: 1 };

describe("pace", () => {
  test("all visits fit into the time that was asked for, and the first car comes after the lead", () => {
    const { scenario } = whatIsPlayed(options, 230, NOW);
    const pace = paceOf(scenario, options, 4000);
    expect((pace.lastMs - pace.firstMs) / pace.speed).toBeLessThanOrEqual(56_000);
    const clock = depotClock(originOf(pace, 4000, Date.now()));
    const firstInMs = clock.realDelayMs(pace.firstMs - clock.nowMs());
    expect(firstInMs).toBeGreaterThan(3500);
    expect(firstInMs).toBeLessThanOrEqual(4000);
  });

  test("a slow start does not make it play faster", () => {
    const { scenario } = whatIsPlayed(options, 230, NOW);
    expect(paceOf(scenario, options, 30_000).speed).toBe(paceOf(scenario, options, 5000).speed);
    expect(paceOf(scenario, { ...options, speed: 7 }, 5000).speed).toBe(7);
  });

  test("the evening is over in real time", () => {
    const { scenario } = whatIsPlayed(options, 230, NOW);
    expect(Math.max(...scenario.visits.map((v) => v.departureMs))).toBeLessThan(NOW);
  });

  test("a record that cannot be read is a usage error with its reason", () => {
    expect(() => whatIsPlayed({ ...options, replay: "nowhere.csv" }, 230, NOW)).toThrow("nowhere.csv");
  });
});

test("durations", () => {
  expect(["60s", "2m", "1.5min", "90", "1h"].map(readDuration)).toEqual([
    60_000, 120_000, 90_000, 90_000, 3_600_000,
  ]);
  for (const text of ["", "x", "1s", "-5s", "10 s"]) expect(() => readDuration(text)).toThrow("such as 60s");
});

const gridOf = (siteLimitA: number) => ({ siteLimitA, building: { baseA: 20, swingA: 5 }, order: null });

test("the depot that is written is a config that loads, with the plan's stations and secrets of its own", async () => {
  const dir = mkdtempSync(join(tmpdir(), "laddport-demo-"));
  try {
    const { scenario } = whatIsPlayed({ ...options, stations: 30 }, 230, NOW);
    const keys = demoKeys();
    const depot = {
      dir,
      keys,
      scenario,
      voltageV: 230,
      speed: 100,
      flows: true,
      cloudUrl: "mqtt://127.0.0.1:9",
      influx: null,
    };
    const written = await writeDemoDepot({ ...depot, grid: gridOf(250) });
    const warnings: string[] = [];
    const config = loadConfig(written.configFile, { env: {}, warn: (fault) => warnings.push(fault.code) });
    expect(warnings).toEqual([]);
    expect(config.control.leaseS).toBe(300);
    expect(evseSpecs(config).map((e) => [e.station, e.maxA, e.fallbackA, e.phaseOrder])).toEqual(
      written.stations.map((s) => [s.id, s.maxMa / 1000, s.minMa / 1000, s.phaseOrder]),
    );
    expect(new Set(written.stations.map((s) => s.password)).size).toBe(30);
    for (const file of ["secrets/kek", "summaries/receiver.key", "credentials.csv"]) {
      expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
    }
    expect(readFileSync(join(dir, "credentials.csv"), "utf8").split("\n")).toHaveLength(33);
    const { vehicles } = fleet(config);
    expect(vehicles.size).toBe(scenario.visits.length);
    const { given, unused } = readDepartureFile(readFileSync(written.departures, "utf8"), "departures.csv");
    expect([given.length, unused]).toEqual([scenario.fleet?.said.length, []]);
    expect(given.every(({ fields }) => vehicles.has(fields.vehicle as string))).toBe(true);
    const tokens = readFileSync(join(dir, "tokens.csv"), "utf8");
    expect(scenario.visits.every((v) => tokens.includes(`${v.tokenUid},rfid,`))).toBe(true);
    await expect(writeDemoDepot({ ...depot, grid: gridOf(250) })).rejects.toThrow("holds an earlier depot");
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("stations have no fallback where their minima together do not fit the site", async () => {
  const dir = mkdtempSync(join(tmpdir(), "laddport-demo-"));
  try {
    const { scenario } = whatIsPlayed({ ...options, stations: 30 }, 230, NOW);
    const depot = {
      dir,
      keys: demoKeys(),
      scenario,
      voltageV: 230,
      speed: 900,
      flows: false,
      cloudUrl: "mqtt://127.0.0.1:9",
      influx: null,
    };
    const written = await writeDemoDepot({ ...depot, grid: gridOf(120) });
    expect(written.stations.every((s) => s.fallbackMa === 0)).toBe(true);
    expect(loadConfig(written.configFile, { env: {} }).flows).toBeUndefined();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe("--influx", () => {
  test("2.x by its query, 1.x and VictoriaMetrics by what they answer", async () => {
    let version: string | null = "v1.8.10";
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (version) response.setHeader("X-Influxdb-Version", version);
      response.end(request.url === "/health" ? "OK" : "");
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect(await influxSection(`${url}/?org=o&bucket=b&token=t`)).toEqual({
        url,
        mode: "v2",
        org: "o",
        bucket: "b",
        token: "t",
      });
      expect(await influxSection(url)).toEqual({ url, mode: "v1", database: "depot" });
      expect(asked).toContain("POST /query");
      version = null;
      expect(await influxSection(url)).toEqual({ url, mode: "victoria" });
      version = "v2.7.1";
      await expect(influxSection(url)).rejects.toThrow("wants org, bucket and token_file");
      await expect(influxSection(`${url}?bukket=b`)).rejects.toThrow("?bukket=");
    } finally {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
    await expect(influxSection(url)).rejects.toThrow("does not answer");
    await expect(influxSection("influx")).rejects.toThrow("not an http or https URL");
  });
});
