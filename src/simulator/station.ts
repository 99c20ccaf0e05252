/**
 * A simulated station with one EVSE: contract v1 over its own link, the physics behind it, its visits and what goes
 * wrong in them. It has no timer: the depot steps it through depot time, and what arrived meanwhile waits in its inbox.
 */
import { linesOf } from "../model/circuit.ts";
import { Authorization, Limit } from "../model/messages.ts";
import type { SiteTopics } from "../model/topics.ts";
import { type Connection, createConnection } from "./connection.ts";
import { createContractReader } from "./contract-reader.ts";
import { createEvse } from "./evse.ts";
import { createLease } from "./lease.ts";
import { mishapAgenda } from "./mischief.ts";
import { createOcmfMeter } from "./ocmf-meter.ts";
import type { Mischief, StationPlan, Visit } from "./plan.ts";
import { createRandom } from "./random.ts";
import { createReports } from "./reports.ts";
import type { Station, VisitResult } from "./station-state.ts";
import { isWaiting, newStay, resultOf, type Stay, stayWh } from "./stay.ts";
import { createTelemetry } from "./telemetry.ts";

/** Unacknowledged messages at which a connected station puts off its samples. */
const BUSY = 10;
/** Every simulated station has one EVSE. */
const EVSE = 1;

export interface StationOptions {
  plan: StationPlan;
  topics: SiteTopics;
  mqttUrl: string;
  voltageV: number;
  /** This station's visits in order of arrival, not overlapping, at whole ms. */
  visits: readonly Visit[];
  mischief: Mischief | null;
  seed: number;
  /** Depot ms between samples in a transaction, and without one. */
  sampleMs: number;
  idleSampleMs: number;
  /** Depot ms after which an unanswered authorisation is asked again. */
  authorizeAgainMs: number;
}

export function createStation(options: StationOptions): Station {
  const { plan, topics } = options;
  const random = createRandom(options.seed);
  const evse = createEvse({
    minMa: plan.minMa,
    maxMa: plan.maxMa,
    voltageV: options.voltageV,
    efficiency: plan.efficiency,
    dc: plan.kind === "dc",
    registerWh: plan.registerWh,
  });
  const inbox: ({ topic: string; payload: Buffer } | "online")[] = [];
  const connection: Connection = createConnection({
    url: options.mqttUrl,
    clientId: plan.id,
    username: plan.username,
    password: plan.password,
    will: () => ({
      topic: topics.hello(plan.id),
      payload: JSON.stringify({ ts: new Date(nowMs).toISOString(), online: false }),
    }),
    subscribe: `${topics.root}/out/${plan.id}/#`,
    onOnline: () => inbox.push("online"),
    onMessage: (topic, payload) => inbox.push({ topic, payload }),
  });
  const reports = createReports(topics, plan.id, EVSE, connection, random);
  const meterSerial = `sim-${plan.id}`;
  const telemetry = createTelemetry({ ...options, evse, reports, dc: plan.kind === "dc", meterSerial });

  const ocmfMeter = plan.signs ? createOcmfMeter(meterSerial) : null;
  const wiring = { 1: linesOf(plan.phaseOrder, 1), 3: linesOf(plan.phaseOrder, 3) };
  const visits = [...options.visits];
  const results: VisitResult[] = [];
  const reader = createContractReader();
  let lease = createLease(plan.fallbackMa);
  let nowMs = 0;
  let powered = true;
  let faulted = false;
  /** The hello of this boot is on its way. */
  let announced = false;
  let stay: Stay | null = null;
  /** Instants of the running stay at which something happens, in order. */
  let agenda: { atMs: number; run: () => void }[] = [];

  const txRef = () => stay?.tx?.ref ?? null;

  const offer = (untilMs: number) => evse.offer(Math.min(plan.maxMa, lease.offerMa(untilMs)));

  const authorize = () => {
    if (!stay) return;
    const ref = random.hex(12);
    stay.asked = { ref, atMs: nowMs };
    reports.send("authorize", nowMs, { ref, token: { uid: stay.visit.tokenUid, type: "rfid" } });
  };

  const signed = (tx: "B" | "E", { visit }: Stay) => {
    if (!ocmfMeter) return {};
    const atMs = nowMs + reports.clockOffsetMs;
    return { signed: ocmfMeter.value(tx, { atMs, wh: evse.registerWh, tokenUid: visit.tokenUid }) };
  };

  const startTransaction = () => {
    if (!stay || stay.tx) return;
    stay.tx = { ref: random.hex(16), startWh: evse.registerWh };
    stay.charged = true;
    reports.repeatNext = stay.mischief.resend;
    reports.send("tx", nowMs, {
      event: "started",
      tx_ref: stay.tx.ref,
      charging_state: "ev_connected",
      token: { uid: stay.visit.tokenUid, type: "rfid" },
      ...telemetry.registers(),
      ...signed("B", stay),
    });
    telemetry.sample(nowMs, "transaction.begin", stay.tx.ref);
    evse.enable(!faulted);
  };

  const endTransaction = (reason: string) => {
    if (!stay?.tx) return;
    const ended = { event: "ended", tx_ref: stay.tx.ref, ...telemetry.registers(), ...signed("E", stay) };
    reports.send("tx", nowMs, { ...ended, reason });
    if (stay.mischief.duplicateStop) reports.send("tx", nowMs, ended);
    stay.endedWh += evse.registerWh - stay.tx.startWh;
    stay.tx = null;
  };

  const fault = (on: boolean) => {
    faulted = on;
    evse.enable(!on && powered && txRef() !== null);
  };

  const announce = () => {
    reports.hello(nowMs, {
      online: true,
      vendor: "Laddport",
      model: plan.kind === "dc" ? "Simulated DC" : "Simulated AC",
      firmware: "1.0.0",
      meter_serial: meterSerial,
    });
    telemetry.forget();
    telemetry.state(nowMs, txRef(), faulted);
  };

  const boot = () => {
    announce();
    announced = true;
    connection.restore();
  };

  const linkUp = () => {
    // The hello of a boot waits in the queue; a link that came back without one is announced anew.
    if (!announced) announce();
    announced = false;
    // An answer that came while there was no link is lost: nothing on out/ is kept for those who are away.
    if (isWaiting(stay) && stay.asked.atMs < nowMs) authorize();
  };

  const powerOff = () => {
    powered = false;
    evse.enable(false);
    connection.cut();
  };

  const powerOn = (resumes: boolean) => {
    if (powered) return;
    powered = true;
    reports.reboot();
    lease = createLease(plan.fallbackMa);
    evse.switchTo(3);
    boot();
    if (!stay?.tx) return;
    if (resumes) return evse.enable(!faulted);
    endTransaction("power_loss");
    authorize();
  };

  const arrive = (visit: Visit) => {
    const begun = newStay(visit, options.mischief);
    const { mischief } = begun;
    stay = begun;
    agenda = [
      ...mishapAgenda(mischief.mishaps, {
        cut: () => connection.cut(),
        restore: () => connection.restore(),
        fault,
        powerOff,
        powerOn,
      }),
      { atMs: visit.departureMs, run: depart },
    ];
    reports.clockOffsetMs = mischief.clockOffsetMs;
    evse.plug(visit.car);
    telemetry.state(nowMs, null, faulted);
    authorize();
  };

  const depart = () => {
    if (!stay) return;
    results.push(resultOf(stay, evse, nowMs));
    endTransaction("ev_disconnected");
    evse.unplug();
    stay = null;
    agenda = [];
    telemetry.state(nowMs, null, faulted);
    telemetry.sample(nowMs, "trigger", null);
    telemetry.nextSampleMs = nowMs + options.idleSampleMs;
    reports.clockOffsetMs = 0;
  };

  const obey = (payload: Buffer) => {
    const limit = reader.read(Limit, payload);
    if (!limit || !lease.receive(limit, nowMs)) return;
    const phases = lease.phases === 1 ? 1 : 3;
    if (plan.switchesPhases) evse.switchTo(phases);
    offer(nowMs);
    const { rev, limit_a } = limit;
    reports.send("limit", nowMs, { rev, limit_a, ...(plan.switchesPhases ? { phases } : {}) });
  };

  const heed = (payload: Buffer) => {
    const answer = reader.read(Authorization, payload);
    if (!answer || !stay || stay.tx || answer.ref !== stay.asked?.ref) return;
    if (answer.status === "accepted") startTransaction();
    else stay.refused = true;
  };

  const readInbox = () => {
    for (const entry of inbox.splice(0)) {
      if (!powered) continue;
      if (entry === "online") linkUp();
      else if (entry.topic === topics.limit(plan.id, EVSE)) obey(entry.payload);
      else if (entry.topic === topics.authorization(plan.id, EVSE)) heed(entry.payload);
      else if (entry.topic === topics.rejected(plan.id)) reader.rejected(entry.payload);
    }
  };

  const pass = (toMs: number) => {
    if (toMs <= nowMs) return;
    // The offer at the end of the step: a lease that runs out within it is over a little early, never late.
    offer(toMs);
    evse.advance(toMs - nowMs);
    nowMs = toMs;
  };

  const nextHappening = () => {
    if (stay) return agenda[0];
    const visit = visits[0];
    return visit && { atMs: visit.arrivalMs, run: () => arrive(visit) };
  };

  const step = (toMs: number) => {
    readInbox();
    for (let next = nextHappening(); next && next.atMs <= toMs; next = nextHappening()) {
      pass(next.atMs);
      if (stay) agenda.shift();
      else visits.shift();
      next.run();
    }
    pass(toMs);
    if (!powered) return;
    telemetry.state(nowMs, txRef(), faulted);
    const patience = options.authorizeAgainMs;
    if (connection.online && isWaiting(stay) && nowMs - stay.asked.atMs >= patience) authorize();
    // As long as the gateway is behind with what it was sent, more of the same helps nobody.
    if (!connection.online || connection.waiting < BUSY) telemetry.sampleIfDue(nowMs, txRef());
  };

  return {
    start(atMs) {
      nowMs = atMs;
      telemetry.nextSampleMs = atMs + random.between(0, options.idleSampleMs);
      boot();
    },
    stop: () => connection.stop(),
    step,
    finish() {
      powerOn(true);
      connection.restore();
      if (faulted) fault(false);
      visits.length = 0;
      depart();
    },
    link: connection,
    results,
    contractFaults: reader.faults,
    get state() {
      if (!powered || !connection.online) return "offline";
      if (faulted) return "faulted";
      return evse.car ? evse.state : "available";
    },
    get lineMa() {
      const lines: [number, number, number] = [0, 0, 0];
      if (evse.drawMa > 0) for (const line of wiring[evse.phases]) lines[line] = evse.drawMa;
      return lines;
    },
    get acPowerMw() {
      return evse.drawMa * options.voltageV * evse.phases;
    },
    get remaining() {
      return visits.length + (stay ? 1 : 0);
    },
    get meteredWh() {
      const ended = results.reduce((sum, r) => sum + r.meteredWh, 0);
      return ended + (stay ? stayWh(stay, evse.registerWh) : 0);
    },
  };
}
