import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { DepartRequest, LimitRequest } from "../../nodes/contract.ts";
import { createIntents, type Intent } from "../../src/control/intents.ts";
import { DepartureDoor, type DepartureGround } from "../../src/gateway/departure-door.ts";
import { answerDepartures, answerRequest } from "../../src/gateway/requests.ts";
import type { EvseSpec } from "../../src/model/circuit.ts";
import { emptyBook } from "../../src/rules/departures/book.ts";
import { GATEWAY, inject, PATIENCE_MS, type Rig, ROOT, recorder, startRig, TAB } from "./rig.ts";

vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

const common = { z: "t1", name: "", gateway: "g1", x: 100, y: 100 };
const charger = { ...common, type: "laddport-charger", station: "", evse: "", mode: "change", intervalS: 10 };
const alert = { ...common, type: "laddport-alert", severity: "warning", kinds: "", cleared: true };
const limit = { ...common, type: "laddport-limit", target: "cp-07/1", limitA: 16, durationS: 900 };

const FLOW = [
  TAB,
  GATEWAY,
  { ...charger, id: "c1", wires: [["all-chargers"]] },
  { ...charger, id: "c2", station: "cp-07", evse: "2", wires: [["one-evse"]] },
  { ...charger, id: "c3", mode: "interval", intervalS: 1, wires: [["each-second"]] },
  recorder("all-chargers"),
  recorder("one-evse"),
  recorder("each-second"),
  { ...common, id: "s1", type: "laddport-session", station: "", wires: [["started"], ["ended"], ["billed"]] },
  recorder("started"),
  recorder("ended"),
  recorder("billed"),
  { ...alert, id: "a1", wires: [["alerts"]] },
  { ...alert, id: "a2", severity: "info", kinds: "disk_full", cleared: false, wires: [["disk-alerts"]] },
  recorder("alerts"),
  recorder("disk-alerts"),
  { ...limit, id: "l1", wires: [["granted"]] },
  { ...limit, id: "l2", limitA: "", wires: [["granted"]] },
  { ...limit, id: "l3", durationS: "", wires: [["granted"]] },
  { ...GATEWAY, id: "g2" },
  { ...limit, id: "l4", gateway: "g2", wires: [[]] },
  recorder("granted"),
  { ...common, id: "d1", type: "laddport-depart", wires: [["departures"]] },
  recorder("departures"),
  {
    ...{ id: "csv", z: "t1", type: "csv", name: "", spec: "rfc", sep: ",", hdrin: true, hdrout: "none" },
    ...{ multi: "mult", ret: "\\n", temp: "", skip: "0", strings: true, x: 1, y: 1, wires: [["d1"]] },
  },
  inject("press-csv", "csv", "vehicle,depart,energy_kwh,line\nbus-14,06:30,120.5,4\nbus-15,06:45,,4\n"),
  inject("press-much", "d1", { vehicle: "bus-14", depart: "06:30", energy_kwh: 900 }),
  inject("press-class", "d1", [{ vehicle: "bus-14", depart: "06:30", class: "vip" }]),
  inject("press-no-row", "d1", [{ vehicle: "bus-14" }]),
  inject("press-remove", "d1", { remove: ["nothing"] }),
  inject("press-l1", "l1"),
  inject("press-l2", "l2"),
  inject("press-3-a", "l2", { limit_a: 3, duration_s: 60, reason: "price" }),
  inject("press-nowhere", "l2", { limit_a: 10, target: "cp-99/1", duration_s: 5000 }),
  inject("press-l3", "l3"),
  {
    id: "catch",
    z: "t1",
    type: "catch",
    name: "",
    scope: null,
    uncaught: false,
    x: 1,
    y: 1,
    wires: [["errors"]],
  },
  recorder("errors"),
  { id: "st", z: "t1", type: "status", name: "", scope: null, x: 1, y: 1, wires: [["statuses"]] },
  recorder("statuses"),
];

let rig: Rig;
const SPEC: EvseSpec = {
  ...{ station: "cp-07", evse: 1, circuit: "main", kind: "ac", minA: 6, maxA: 32, phases: 3 },
  ...{ phaseOrder: "L1L2L3", fallbackA: 6, weight: 1, efficiency: 1 },
} as const;
const intents = createIntents([SPEC], [{ id: "main", limitA: [63, 63, 63] }]);
const core = {
  nowMs: () => Date.now(),
  // As in a demo: a quarter of an hour of the depot is a second and a half of the asker's.
  realDelayMs: (ms: number) => ms / 600,
  control: { intent: (intent: Intent) => intents.propose(intent, Date.now(), performance.now()) },
};
const requests: LimitRequest[] = [];
let facts = 0;
const departures = new DepartureDoor({
  config: {
    ...{ site: { timezone: "Europe/Stockholm" }, stations: [], classes: [] },
    vehicles: [{ id: "bus-14", batteryKwh: 300 }],
  } as unknown as DepartureGround["config"],
  clock: { nowMs: () => Date.now() },
  outbox: { ask: async () => emptyBook() as never },
  appendFact: async () => ({ offset: ++facts, duplicate: false }),
  append: () => undefined,
  audit: async () => undefined,
});
const told: { data: DepartRequest["data"] }[] = [];

const publish = (topic: string, body: object | string, retain = false) =>
  new Promise<void>((resolve, reject) =>
    rig.broker.publish(
      {
        cmd: "publish",
        qos: 1,
        dup: false,
        topic: `${ROOT}/${topic}`,
        payload: typeof body === "string" ? body : JSON.stringify(body),
        retain,
      },
      (error) => (error ? reject(error) : resolve()),
    ),
  );
const press = (id: string) => rig.admin(`inject/${id}`, { method: "POST" });
const statuses = (id: string) =>
  rig.logged("statuses").flatMap((m) => {
    const { text, source } = m.status as { text: string; source: { id: string } };
    return source.id === id ? [text] : [];
  });

beforeAll(async () => {
  rig = await startRig(FLOW, { language: "sv" });
  // The gateway's own side of a request.
  rig.broker.on("publish", (packet) => {
    if (packet.topic === `${ROOT}/req/flows/depart`) {
      told.push(JSON.parse(packet.payload.toString()) as DepartRequest);
      const flows = { name: "flows", role: "flows" };
      void answerDepartures(departures, flows, packet.payload as Buffer, (id, answer) => {
        void publish(`res/flows/${id}`, answer);
      });
      return;
    }
    if (packet.topic !== `${ROOT}/req/flows/limit`) return;
    requests.push(JSON.parse(packet.payload.toString()) as LimitRequest);
    answerRequest(
      core,
      "limit",
      packet.payload as Buffer,
      (id, answer) => void publish(`res/flows/${id}`, answer),
    );
  });
  await rig.reached("up");
  await rig.until("subscriptions", () => rig.broker.connectedClients === 2 || undefined);
  await rig.until("connected status", () => statuses("l1").includes("redo") || undefined);
});

afterAll(() => rig?.stop());

describe("laddport-charger", () => {
  test("sends the state of its EVSEs on change, and not when only the time changed", async () => {
    const state = { ts: "2026-11-22T17:00:00Z", charging_state: "charging", power_w: 43_120, limit_a: 63 };
    await publish("state/evse/cp-07/1", state, true);
    await publish("state/evse/cp-07/2", { ts: state.ts, charging_state: "idle" }, true);
    await publish("state/evse/cp-07/1", { ...state, ts: "2026-11-22T17:00:01Z" }, true);
    await publish("state/evse/cp-07/1", { ...state, power_w: 11_000, ts: "2026-11-22T17:00:02Z" }, true);
    const sent = await rig.until("three messages", () => {
      const all = rig.logged("all-chargers");
      return all.length >= 3 ? all : undefined;
    });
    expect(sent.map((m) => (m.payload as { power_w?: number }).power_w)).toEqual([43_120, undefined, 11_000]);
    expect(sent[0]).toMatchObject({
      topic: `${ROOT}/state/evse/cp-07/1`,
      payload: state,
      laddport: { offset: null, ts: "2026-11-22T17:00:00Z" },
    });
    expect(rig.logged("one-evse").map((m) => m.topic)).toEqual([`${ROOT}/state/evse/cp-07/2`]);
    await rig.until("a status in Swedish", () => statuses("c1").includes("1 aktiva 11 kW") || undefined);
    await rig.until("a status of the one", () => statuses("c2").includes("ledig") || undefined);
  });

  test("sends the newest state every n seconds, changed or not", async () => {
    const sent = await rig.until("repeated messages", () => {
      const all = rig.logged("each-second").filter((m) => m.topic === `${ROOT}/state/evse/cp-07/2`);
      return all.length >= 2 ? all : undefined;
    });
    expect(sent[0]?.payload).toEqual(sent[1]?.payload);
  });

  test("offers the EVSEs seen to the editor, behind its login", async () => {
    const url = rig.flows.editorUrl as string;
    expect(await (await rig.admin("laddport/g1/evses")).json()).toEqual(["cp-07/1", "cp-07/2"]);
    expect((await fetch(new URL("laddport/g1/evses", url))).status).toBe(401);
    await rig.until("those of a gateway node without a charger node", async () => {
      const seen = (await (await rig.admin("laddport/g2/evses")).json()) as string[];
      return seen.join() === "cp-07/1,cp-07/2" || undefined;
    });
  });

  test("survives what is not JSON, and says so once", async () => {
    await publish("state/evse/cp-08/1", "{broken");
    await publish("state/evse/cp-08/1", "[1]");
    await rig.until("a warning", () =>
      rig.lines.find((l) => l.text.includes("cp-08/1 is not a JSON object")),
    );
    await publish("state/evse/cp-08/1", { charging_state: "idle" });
    await rig.until("the next", () =>
      rig.logged("all-chargers").find((m) => String(m.topic).includes("cp-08")),
    );
    expect(rig.lines.filter((l) => l.node === "g1" && l.text.includes("is not a JSON object"))).toHaveLength(
      1,
    );
  });
});

test("laddport-session: each fact to its output, once for each offset", async () => {
  const at = "2026-11-22T17:00:10.000Z";
  await publish("event/session/started", { session_id: "s1", log_offset: 10, at });
  await publish("event/session/ended", { session_id: "s1", energy_wh: 7_000, log_offset: 11 });
  await publish("event/session/ended", { session_id: "s1", energy_wh: 7_000, log_offset: 11 });
  await publish("event/session/rated", { id: "cdr-1", log_offset: 12 });
  await publish("event/session/ended", { session_id: "s2", energy_wh: 0, log_offset: 13 });
  await publish("event/session/held", { session_id: "s2", energy_wh: 0, log_offset: 13 });
  await rig.until("held", () => rig.logged("billed")[1]);
  const events = (name: string) => rig.logged(name).map((m) => m.laddport);
  expect(events("started")).toEqual([{ offset: 10, ts: at, event: "started" }]);
  expect(events("ended")).toEqual([
    { offset: 11, ts: null, event: "ended" },
    { offset: 13, ts: null, event: "ended" },
  ]);
  expect(events("billed")).toEqual([
    { offset: 12, ts: null, event: "rated" },
    { offset: 13, ts: null, event: "held" },
  ]);
  expect(statuses("s1")).toContain("2 avslutade");
});

test("laddport-alert: from its severity up, of its kinds, raised and cleared", async () => {
  const body = {
    id: "disk_full:log",
    kind: "disk_full",
    severity: "critical",
    subject: "log",
    cause: "full",
  };
  await publish("event/alert/raised", { ...body, id: "x", severity: "info", log_offset: 20 });
  await publish("event/alert/raised", {
    ...body,
    kind: "meter_stale",
    severity: "warning",
    id: "y",
    log_offset: 21,
  });
  await publish("event/alert/raised", { ...body, log_offset: 22 });
  await publish("event/alert/cleared", { ...body, duration_s: 5, log_offset: 23 });
  const sent = await rig.until("three alerts", () => {
    const all = rig.logged("alerts");
    return all.length >= 3 ? all : undefined;
  });
  expect(sent.map((m) => m.laddport)).toEqual([
    { offset: 21, ts: null, event: "raised" },
    { offset: 22, ts: null, event: "raised" },
    { offset: 23, ts: null, event: "cleared" },
  ]);
  expect(rig.logged("disk-alerts").map((m) => (m.laddport as { offset: number }).offset)).toEqual([20, 22]);
  expect(statuses("a1").slice(-3)).toEqual(["1 larm", "2 larm", "1 larm"]);
});

describe("laddport-limit", () => {
  test("granted: the intent ends by itself and the answer is sent on", async () => {
    const before = Date.now();
    await press("press-l1");
    const sent = await rig.until("granted", () => rig.logged("granted")[0]);
    expect(sent.payload).toMatchObject({ status: "granted", target: "cp-07/1", asked_a: 16, limit_a: 16 });
    const [request] = requests;
    expect(request).toMatchObject({ valid_for_s: 900, data: { target: "cp-07/1", limit_a: 16 } });
    expect(Date.parse(request?.valid_until ?? "") - before).toBeGreaterThanOrEqual(900_000);
    expect(intents.limitA("cp-07/1", performance.now())).toBe(16);
    await rig.until("status", () => statuses("l1").includes("beviljad 16 A") || undefined);
    expect((sent.payload as { valid_for_s: number }).valid_for_s).toBeCloseTo(1.5, 1);
    await rig.until("its end", () => statuses("l1").at(-1) === "utgången" || undefined);
  });

  test("clamped: what the gateway allows instead, with its reason; a message may shorten the time", async () => {
    await press("press-3-a");
    const sent = await rig.until("clamped", () => rig.logged("granted")[1]);
    expect(sent.payload).toMatchObject({ status: "clamped", asked_a: 3, limit_a: 0 });
    expect((sent.payload as { reason: string }).reason).toContain("minimum of 6 A");
    expect(requests.at(-1)).toMatchObject({ valid_for_s: 60, data: { reason: "price" } });
    await rig.until("status", () => statuses("l2").includes("sänkt 0 A") || undefined);
  });

  test("denied: an error that a Catch node receives, nothing sent on; no message may lengthen the time", async () => {
    const sent = rig.logged("granted").length;
    await press("press-nowhere");
    const error = await rig.until("error", () => rig.logged("errors")[0]);
    expect((error.error as { message: string }).message).toContain(
      'Gatewayen nekade gränsen: no EVSE or circuit "cp-99/1"',
    );
    expect(requests.at(-1)?.valid_for_s).toBe(900);
    await rig.until("status", () => statuses("l2").includes("nekad") || undefined);
    expect(rig.logged("granted")).toHaveLength(sent);
  });

  test("no duration in the node, or a time stamp for amperes: refused before anything is asked", async () => {
    const asked = requests.length;
    await press("press-l3");
    await press("press-l2");
    const errors = await rig.until("two errors", () => {
      const all = rig.logged("errors").slice(1);
      return all.length >= 2 ? all : undefined;
    });
    const messages = errors.map((m) => (m.error as { message: string }).message);
    expect(messages[0]).toContain("ange sekunder från 1 till 86400");
    expect(messages[1]).toContain("ange ampere per fas från 0 till 10000");
    expect(requests).toHaveLength(asked);
  });
});

describe("laddport-depart", () => {
  const payload = (i: number) =>
    rig.until(`message ${i}`, () => rig.logged("departures")[i]?.payload as Record<string, unknown>);
  const errors = () => rig.logged("errors").map((m) => (m.error as { message: string }).message);
  const denied = (what: string) => rig.until(what, () => errors().find((message) => message.includes(what)));

  test("a table of the CSV node: each row is told, columns that say nothing are left out", async () => {
    await press("press-csv");
    const { status, departures: ids, passed } = await payload(0);
    expect({ status, passed }).toEqual({ status: "granted", passed: 0 });
    expect(ids).toEqual([
      expect.stringMatching(/^bus-14:\d{4}-\d\d-\d\d$/),
      expect.stringMatching(/^bus-15:/),
    ]);
    expect(told[0]?.data).toEqual({
      departures: [
        { vehicle: "bus-14", depart: "06:30", energy_kwh: 120.5 },
        { vehicle: "bus-15", depart: "06:45" },
      ],
    });
    await rig.until("status", () => statuses("d1").includes("2 satta") || undefined);
    const [first] = departures.ahead(Date.now()).ofVehicle.get("bus-14") ?? [];
    expect(first).toMatchObject({ energyWh: 120_500, source: "flow" });
  });

  test("clamped: what the battery takes instead, with the reason", async () => {
    await press("press-much");
    const { status, notes } = await payload(1);
    expect(status).toBe("clamped");
    expect(notes).toEqual([expect.stringContaining("battery of 300 kWh")]);
  });

  test("denied, or no departure at all: an error that a Catch node receives, nothing sent on", async () => {
    const sent = rig.logged("departures").length;
    await press("press-class");
    expect(await denied('class is "vip"')).toContain("Gatewayen nekade avgångarna från rad 1:");
    await press("press-remove");
    await denied('there is no departure "nothing"');
    const asked = told.length;
    await press("press-no-row");
    expect(await denied("Rad 1 är")).toContain("ange vehicle eller evse");
    expect(told).toHaveLength(asked);
    await rig.until("status", () => statuses("d1").at(-1) === "nekad" || undefined);
    expect(rig.logged("departures")).toHaveLength(sent);
  });
});
