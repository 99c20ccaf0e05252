import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { siteTopics } from "../../src/model/topics.ts";
import type { CarPlan, Mischief, StationPlan, Visit } from "../../src/simulator/plan.ts";
import { createStation, type StationOptions } from "../../src/simulator/station.ts";
import type { Station } from "../../src/simulator/station-state.ts";
import { type OpenBroker, openBroker, type Received, SITE } from "./open-broker.ts";

const START = Date.UTC(2026, 10, 22, 17);
const MINUTE = 60_000;

const plan: StationPlan = {
  id: "cp-007",
  kind: "ac",
  phaseOrder: "L2L3L1",
  minMa: 6000,
  maxMa: 32_000,
  fallbackMa: 6000,
  efficiency: 1,
  registerWh: 1_000_000,
  username: "cp-007",
  password: "secret",
};

const car: CarPlan = {
  phases: 3,
  maxMa: 16_000,
  energyWh: 5000,
  taperFromWh: 5000,
  batteryWh: 60_000,
  socPct: 80,
};

const visit: Visit = {
  id: "v1",
  station: "cp-007",
  arrivalMs: START + MINUTE,
  departureMs: START + 120 * MINUTE,
  tokenUid: "04A2B9C1",
  car,
};

const none: Mischief = {
  seed: 1,
  drop: 0,
  reboot: 0,
  restart: 0,
  fault: 0,
  duplicateStop: 0,
  resend: 0,
  wrongClock: 0,
};

let broker: OpenBroker;
let station: Station;
let nowMs = START;

beforeEach(async () => {
  broker = await openBroker();
  nowMs = START;
});

afterEach(async () => {
  await station.stop();
  await broker.close();
});

function start(changes: Partial<StationOptions> = {}): void {
  station = createStation({
    plan,
    topics: siteTopics(SITE),
    mqttUrl: broker.url,
    voltageV: 230,
    visits: [visit],
    mischief: null,
    seed: 5,
    sampleMs: 5 * MINUTE,
    idleSampleMs: 15 * MINUTE,
    authorizeAgainMs: 60 * MINUTE,
    ...changes,
  });
  station.start(nowMs);
}

/** Lets real time go on until `ready`: sockets move, depot time stands. */
async function settle(ready: () => boolean): Promise<void> {
  while (!ready()) {
    station.step(nowMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Lets depot time pass, a minute a step, and every message arrive. */
async function pass(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    nowMs += MINUTE;
    station.step(nowMs);
  }
  if (station.state !== "offline") await settle(() => station.link.waiting === 0);
}

async function online(): Promise<void> {
  await settle(() => broker.of("hello").length > 0 && station.link.waiting === 0);
}

/** Plugged, authorised, in a transaction. */
async function charging(limitA = 16): Promise<void> {
  await online();
  broker.limit("cp-007", { rev: 1, limit_a: limitA });
  await settle(() => broker.of("limit").length > 0);
  await pass(1);
  await settle(() => broker.of("tx").length > 0);
}

const short = (m: Received): string => {
  const { event, connector_state, charging_state, online: up, context } = m.body;
  return [m.kind, event, up, connector_state, charging_state, context]
    .filter((v) => v !== undefined)
    .join(" ");
};

function risesWithinBoot(messages: Received[]): boolean {
  const last = new Map<unknown, number>();
  return messages.every(({ body }) => {
    if (body.boot === undefined) return true;
    const before = last.get(body.boot) ?? -1;
    last.set(body.boot, Number(body.seq));
    return Number(body.seq) > before;
  });
}

describe("a station whose meter signs", () => {
  test("sends a signed value with start and stop, the same bytes with a stop that is repeated", async () => {
    start({ plan: { ...plan, signs: true }, mischief: { ...none, duplicateStop: 1 } });
    await charging();
    await pass(130);
    expect(broker.faults).toEqual([]);
    const signed = broker
      .of("tx")
      .filter(({ body }) => body.event !== "updated")
      .map(({ body }) => [body.event, (body.signed as { data: string }).data] as const);
    expect(signed.map(([event]) => event)).toEqual(["started", "ended", "ended"]);
    expect(signed[0]?.[1]).toContain('"PG":"T1"');
    expect(signed[1]?.[1]).toContain('"PG":"T2"');
    expect(signed[2]?.[1]).toBe(signed[1]?.[1]);
  });
});

describe("a visit", () => {
  test("is told in the contract's words, in order", async () => {
    start();
    await charging();
    await pass(40);
    await pass(90);
    expect(broker.faults).toEqual([]);
    expect(broker.received.filter((m) => m.kind !== "meter").map(short)).toEqual([
      "hello true",
      "status available idle",
      "limit",
      "status occupied ev_connected",
      "authorize",
      "tx started ev_connected",
      "status occupied charging",
      "tx updated charging",
      "status occupied suspended_ev",
      "tx updated suspended_ev",
      "tx ended",
      "status available idle",
    ]);
    expect(risesWithinBoot(broker.received)).toBe(true);
    const tx = broker.of("tx");
    expect(new Set(tx.map((m) => m.body.tx_ref)).size).toBe(1);
    expect(tx[0]?.body).toMatchObject({ energy_import_wh: 1_000_000, token: { uid: "04A2B9C1" } });
    expect(tx.at(-1)?.body).toMatchObject({ energy_import_wh: 1_005_000, reason: "ev_disconnected" });
    expect(station.results).toEqual([
      {
        id: "v1",
        station: "cp-007",
        arrivalMs: visit.arrivalMs,
        departureMs: visit.departureMs,
        recordedWh: null,
        wantedWh: 5000,
        meteredWh: 5000,
        finished: true,
        limitedS: 0,
        charged: true,
      },
    ]);
  });

  test("samples carry register, power, currents and the transaction; idle ones come seldom and without", async () => {
    start();
    await charging();
    for (const minutes of [6, 50, 50, 20, 20]) await pass(minutes);
    const samples = broker.of("meter");
    const inTx = samples.find((m) => m.body.power_w === 11_040);
    expect(inTx?.body).toMatchObject({ current_a: [16, 16, 16], voltage_v: [230, 230, 230] });
    expect(inTx?.body.tx_ref).toBe(broker.of("tx")[0]?.body.tx_ref);
    const idle = samples.filter((m) => m.body.tx_ref === undefined);
    expect(idle.length).toBeGreaterThan(1);
    expect(idle.every((m) => m.body.power_w === 0)).toBe(true);
    const registers = samples.map((m) => Number(m.body.energy_import_wh));
    expect(registers.every((wh, i) => i === 0 || wh >= (registers[i - 1] ?? 0))).toBe(true);
  });

  test("draws on the grid lines that its phase order says", async () => {
    start({ visits: [{ ...visit, car: { ...car, phases: 1, maxMa: 20_000 } }] });
    await charging();
    await pass(5);
    expect(station.lineMa).toEqual([0, 16_000, 0]);
    expect(station.acPowerMw).toBe(16_000 * 230);
  });

  test("refused: no transaction, no energy", async () => {
    broker.answer = "denied";
    start({ authorizeAgainMs: 1e9 });
    await online();
    await pass(1);
    await settle(() => broker.of("authorize").length > 0);
    await pass(130);
    expect(broker.of("tx")).toEqual([]);
    expect(broker.of("authorize")).toHaveLength(1);
    expect(station.results[0]).toMatchObject({ charged: false, meteredWh: 0, finished: false });
  });

  test("an unanswered authorisation is asked again under another ref", async () => {
    broker.answer = null;
    start({ authorizeAgainMs: 10 * MINUTE });
    await online();
    await pass(25);
    const refs = broker.of("authorize").map((m) => m.body.ref);
    expect(refs).toHaveLength(3);
    expect(new Set(refs).size).toBe(3);
  });
});

describe("limits", () => {
  test("are obeyed before they are confirmed, and older revisions not at all", async () => {
    start();
    await charging(16);
    await pass(2);
    broker.limit("cp-007", { rev: 5, limit_a: 10 });
    await settle(() => broker.of("limit").length === 2);
    expect(station.lineMa).toEqual([10_000, 10_000, 10_000]);
    expect(broker.of("limit").at(-1)?.body).toMatchObject({ rev: 5, limit_a: 10 });
    broker.limit("cp-007", { rev: 4, limit_a: 32 });
    broker.limit("cp-007", { rev: 6, limit_a: 9 });
    await settle(() => broker.of("limit").length === 3);
    expect(broker.of("limit").map((m) => m.body.rev)).toEqual([1, 5, 6]);
    expect(station.lineMa[0]).toBe(9000);
  });

  test("a station that can switch follows their phases and confirms them, one that cannot does neither", async () => {
    start({ plan: { ...plan, switchesPhases: true } });
    await charging();
    await pass(2);
    broker.limit("cp-007", { rev: 2, limit_a: 16, phases: 1 });
    await settle(() => broker.of("limit").length === 2);
    expect(broker.of("limit").map((m) => m.body.phases)).toEqual([3, 1]);
    await pass(2);
    expect(station.lineMa).toEqual([0, 16_000, 0]);
    await station.stop();

    start();
    await settle(() => broker.of("hello").length === 2 && station.link.waiting === 0);
    broker.limit("cp-007", { rev: 3, limit_a: 16, phases: 1 });
    await settle(() => broker.of("limit").length === 3);
    expect(broker.of("limit").at(-1)?.body.phases).toBeUndefined();
  });

  test("below the minimum the car stops, and says that the EVSE holds it", async () => {
    start();
    await charging();
    await pass(2);
    broker.limit("cp-007", { rev: 2, limit_a: 5.9 });
    await settle(() => broker.of("limit").length === 2);
    await pass(3);
    expect(station.state).toBe("suspended_evse");
    expect(station.lineMa).toEqual([0, 0, 0]);
    expect(broker.of("status").at(-1)?.body.charging_state).toBe("suspended_evse");
  });

  test("run out on the depot's clock, and the fallback holds", async () => {
    start();
    await online();
    broker.limit("cp-007", { rev: 1, limit_a: 16, valid_for_s: 600, fallback_a: 7 });
    await settle(() => broker.of("limit").length > 0);
    await pass(1);
    await settle(() => broker.of("tx").length > 0);
    await pass(8);
    expect(station.lineMa[0]).toBe(16_000);
    await pass(1);
    expect(station.lineMa[0]).toBe(7000);
  });

  test("what is against the contract is kept for the report and changes nothing", async () => {
    start();
    await charging(16);
    await pass(2);
    broker.publish(siteTopics(SITE).limit("cp-007", 1), '{"rev":9}');
    await settle(() => station.contractFaults.length > 0);
    expect(station.lineMa[0]).toBe(16_000);
  });
});

describe("mischief", () => {
  test("a dropped link: the will, then everything in order as new packets with the same bytes", async () => {
    start({ mischief: { ...none, drop: 1 } });
    await charging(8);
    const before = broker.received.length;
    while (station.state !== "offline") {
      nowMs += MINUTE;
      station.step(nowMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await broker.until((m) => m.kind === "hello" && m.body.online === false);
    expect(broker.of("hello").at(-1)?.body.seq).toBeUndefined();
    while (broker.of("hello").filter((m) => m.body.online).length < 2) {
      nowMs += MINUTE / 4;
      station.step(nowMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await pass(5);
    const fresh = broker.received.slice(before);
    expect(broker.received.every((m) => !m.dup)).toBe(true);
    expect(new Set(broker.received.map((m) => m.body.boot).filter(Boolean)).size).toBe(1);
    expect(fresh.filter((m) => m.kind === "meter").length).toBeGreaterThan(2);
    const numbers = [...new Set(broker.received.map((m) => m.body.seq).filter((n) => n !== undefined))];
    expect(numbers).toEqual(numbers.map((_, i) => i));
  });

  test("a lost acknowledgement: the same boot, seq and bytes come again, DUP=0", async () => {
    start();
    await charging(16);
    const port = broker.port;
    const before = broker.received.map((m) => m.raw);
    await broker.close();
    for (let i = 0; i < 20; i++) {
      nowMs += MINUTE;
      station.step(nowMs);
    }
    expect(station.link.waiting).toBeGreaterThan(3);
    broker = await openBroker(port);
    await settle(() => station.link.online && station.link.waiting === 0);
    const after = broker.received.filter((m) => m.body.boot !== undefined);
    const last = JSON.parse(before.at(-1) ?? "{}").seq as number;
    expect(after[0]?.body.seq).toBeGreaterThan(last - 2);
    expect(risesWithinBoot(after)).toBe(true);
    expect(after.every((m) => !m.dup)).toBe(true);
  });

  test("a reboot: another boot, seq from 0, the same transaction goes on", async () => {
    start({ mischief: { ...none, reboot: 1 } });
    await charging(8);
    while (station.remaining > 0) {
      nowMs += MINUTE;
      station.step(nowMs);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await pass(1);
    expect(new Set(broker.received.map((m) => m.body.boot).filter(Boolean)).size).toBe(2);
    expect(risesWithinBoot(broker.received)).toBe(true);
    const tx = broker.of("tx");
    expect(new Set(tx.map((m) => m.body.tx_ref)).size).toBe(1);
    expect(tx.filter((m) => m.body.event === "ended")).toHaveLength(1);
    expect(station.results[0]?.meteredWh).toBe(Number(tx.at(-1)?.body.energy_import_wh) - 1_000_000);
  });

  test("a restart: the old transaction is ended with the cause, a new one carries on", async () => {
    start({ mischief: { ...none, restart: 1, duplicateStop: 1 } });
    await charging(8);
    while (station.remaining > 0) {
      nowMs += MINUTE;
      station.step(nowMs);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await pass(1);
    const tx = broker.of("tx");
    const refs = [...new Set(tx.map((m) => m.body.tx_ref))];
    expect(refs).toHaveLength(2);
    const reasons = tx.filter((m) => m.body.event === "ended").map((m) => m.body.reason ?? "none");
    expect(reasons).toEqual(["power_loss", "none", "ev_disconnected", "none"]);
    const wh = (ref: unknown) => {
      const own = tx.filter((m) => m.body.tx_ref === ref).map((m) => Number(m.body.energy_import_wh));
      return Math.max(...own) - Math.min(...own);
    };
    expect(station.results[0]?.meteredWh).toBe(wh(refs[0]) + wh(refs[1]));
  });

  test("a fault stops the current and is reported, then charging goes on", async () => {
    start({ mischief: { ...none, fault: 1 } });
    await charging(8);
    await pass(140);
    const told = broker.of("status").map(short);
    expect(told).toContain("status faulted suspended_evse");
    expect(
      told.indexOf("status occupied charging", told.indexOf("status faulted suspended_evse")),
    ).toBeGreaterThan(0);
    expect(station.results[0]).toMatchObject({ finished: true, meteredWh: 5000 });
  });

  test("a wrong clock, and a start that is published twice with the same bytes", async () => {
    start({ mischief: { ...none, wrongClock: 1, resend: 1 } });
    await charging(8);
    await pass(3);
    const [first, again] = broker.of("tx");
    expect(again?.raw).toBe(first?.raw);
    expect(again?.dup).toBe(false);
    expect(Math.abs(Date.parse(String(first?.body.ts)) - (START + MINUTE))).toBeGreaterThan(1000);
  });
});

test("finish ends the visit at once, whatever is broken", async () => {
  start({ mischief: { ...none, reboot: 1 } });
  await charging(16);
  while (station.state !== "offline") {
    nowMs += MINUTE;
    station.step(nowMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  station.finish();
  await settle(() => station.link.online && station.link.waiting === 0);
  expect(broker.of("tx").at(-1)?.body.event).toBe("ended");
  expect(station.remaining).toBe(0);
  expect(station.results).toHaveLength(1);
});
