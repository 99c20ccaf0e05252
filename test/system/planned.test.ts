/** Plans through a whole gateway: departures by its API, stations that charge, plans in the pool, bills in the log. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { plan } from "../../src/cli/plan.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import type { PlanState } from "../../src/gateway/plan-view.ts";
import { createDepotRun } from "../../src/simulator/depot-run.ts";
import type { StationPlan, Visit } from "../../src/simulator/plan.ts";
import { depot, started } from "./small-depot.ts";

const START = Date.UTC(2026, 2, 3, 15);
const MINUTE_MS = 60_000;
const SPEED = 120;
/** A per line for six stations that fall back to 6 A. */
const LIMIT_A = 48;
const EARLY_KWH = 7;
/** Until the bus leaves, and until the others do. */
const EARLY_MIN = 35;
const LATE_MIN = 720;

const io = () => {
  let out = "";
  const write = (text: string) => {
    out += text;
  };
  return { stdout: { write }, stderr: { write }, text: () => out };
};

function visit(station: string, minutes: number, energyWh: number): Visit {
  const car = { phases: 3, maxMa: 32_000, energyWh, taperFromWh: energyWh, batteryWh: 80_000, socPct: 20 };
  return {
    id: `${station} visit`,
    station,
    arrivalMs: START + 3 * MINUTE_MS,
    departureMs: START + minutes * MINUTE_MS,
    tokenUid: `04A1B2C3${station.slice(-2)}`,
    car: { ...car, phases: 3 },
  };
}

describe("plans in a running gateway", () => {
  it("the bus that leaves first is filled where equal shares would leave it half empty; all shown", async () => {
    const { made, passwords } = await depot();
    const yaml = readFileSync(made.config, "utf8").replace(/(id: site, limit_a:) \d+/, `$1 ${LIMIT_A}`);
    writeFileSync(made.config, yaml);
    const ids = [...passwords.keys()].filter((id) => id.startsWith("cp-"));
    const clock = { realMs: Date.now(), depotMs: START, speed: SPEED };
    const gateway = started(made.config, made.data, clock);
    const { api } = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const token = readSecret(loadConfig(made.config, { env: {} }).api.tokenFile);
    const call = async (path: string, body?: object) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const answer = await fetch(`${api}/api/v1/${path}`, { headers, ...how });
      expect(answer.status).toBe(200);
      return answer.json();
    };
    const iso = (minutes: number) => new Date(START + minutes * MINUTE_MS).toISOString();
    const departures = ids.map((id, i) => ({
      evse: `${id}/1`,
      depart: iso(i === 0 ? EARLY_MIN : LATE_MIN),
      energy_kwh: i === 0 ? EARLY_KWH : 30,
    }));

    const stations = ids.map(
      (id): StationPlan => ({
        id,
        kind: "ac",
        phaseOrder: "L1L2L3",
        minMa: 6_000,
        maxMa: 32_000,
        fallbackMa: 6_000,
        efficiency: 1,
        registerWh: 1_000_000,
        username: id,
        password: passwords.get(id) as string,
      }),
    );
    const simulated = createDepotRun({
      site: made.site,
      mqttUrl: made.mqtt_url,
      clock,
      voltageV: 230,
      stations,
      visits: ids.map((id, i) =>
        visit(id, i === 0 ? EARLY_MIN : LATE_MIN, i === 0 ? EARLY_KWH * 1000 : 30_000),
      ),
      gridMeter: null,
      building: null,
      siteLimitA: [LIMIT_A, LIMIT_A, LIMIT_A],
      mischief: null,
      samplesPerSecond: 200,
    });
    onTestFinished(() => simulated.stop());
    simulated.start();
    await expect
      .poll(async () => ((await call("plan")) as PlanState).vehicles.length, { timeout: 20_000 })
      .toBe(6);
    await call("departures", { departures });
    await expect
      .poll(async () => ((await call("plan")) as PlanState).vehicles[0]?.depart, { timeout: 20_000 })
      .toBe(iso(EARLY_MIN));
    await expect
      .poll(async () => ((await call("plan")) as PlanState).source, { timeout: 20_000 })
      .toBe("plan");
    const shown = (await call("plan")) as PlanState;
    expect(shown.vehicles[0]).toMatchObject({
      evse: "cp-001/1",
      depart_source: "api",
      wanted_kwh: EARLY_KWH,
    });
    const table = io();
    expect(await plan({ config: made.config, data: made.data }, table)).toBe(0);
    expect(table.text()).toMatch(/^targets from the newest plan, \d+ s old/);
    expect(table.text()).toMatch(/cp-001\/1 .*7\.0/);
    expect(await (await fetch(`${api}/metrics`)).text()).toMatch(
      /laddport_plan_total\{source="plan"\} [1-9]/,
    );

    await expect
      .poll(() => simulated.stats().visitsDone, { timeout: 60_000, interval: 500 })
      .toBeGreaterThanOrEqual(1);
    const report = await simulated.finish(20_000);
    const [bus, ...others] = ids.map((id) => report.visits.find((v) => v.station === id)?.meteredWh ?? 0);
    // Equal shares of half an hour: 48 A among six, 8 A each, 2.9 kWh.
    expect(bus).toBeGreaterThan(EARLY_KWH * 1000 - 300);
    expect(Math.max(...others)).toBeLessThan(4_850);
    expect(report.limitViolations).toBe(0);
  }, 150_000);
});
