/**
 * A depot in virtual time around the real control loop: stations that obey leases, cars that follow with a delay, a
 * building, meters, and a link that delays and loses. Every second it checks what may be drawn against every limit.
 */
import { type Control, type ControlOptions, createControl } from "../../src/control/loop.ts";
import type { Alert } from "../../src/model/alert.ts";
import { AlertBoard } from "../../src/model/alert-board.ts";
import { type Circuit, type EvseSpec, linesOf, type PerLine } from "../../src/model/circuit.ts";
import { type DepotClock, REAL_TIME } from "../../src/model/clock.ts";
import type { EventOf, NewEvent } from "../../src/model/event.ts";
import type { Limit } from "../../src/model/messages.ts";
import { circuit, evseSpec, seeded } from "../rules/allocation-cases.ts";

export interface CarSpec {
  maxA: number;
  /** Own conductors it uses, 1 to 3. */
  phases: number;
  /** Draws whatever it likes. */
  ignoresLimits?: boolean;
  /** Draws no more than this, though it takes no offer below its minimum. */
  tapersTo?: number;
  /** Having been paused it does not start again until its offer was withdrawn once more. */
  oversleeps?: boolean;
}

export interface SimStation {
  readonly spec: EvseSpec;
  online: boolean;
  car: CarSpec | null;
  faulted: boolean;
  drawA: number;
  received: Limit[];
  /** Own conductors that can carry current now. */
  phases(): number;
  /** Times it changed its phases, and whether it ever did so under current. */
  switches: number;
  switchedUnderCurrent: boolean;
  /** False: it does not know what phases are, and its confirmations do not name them. */
  knowsPhases: boolean;
  offerA(): number;
  plug(car: CarSpec): void;
  unplug(): void;
  reboot(): void;
  disconnect(): void;
  hear(limit: Limit): void;
  connect(): void;
}

export interface DepotOptions {
  circuits: Circuit[];
  evses: EvseSpec[];
  seed?: number;
  /** Part of limits, confirmations and readings that are lost, 0 to 1. */
  loss?: number;
  /** Longest way of a message, ms; each takes up to this long. */
  delayMs?: number;
  sampleS?: number;
  /** Seconds between readings of circuits' meters. */
  meterS?: number;
  /** True voltage, line to neutral; given, meters and stations report it and their power. */
  voltageV?: number;
  settings?: ControlOptions["settings"];
  allocate?: ControlOptions["allocate"];
  /** Stands in for the control loop. */
  control?(options: ControlOptions): Control;
}

export type Depot = ReturnType<typeof createDepot>;

const SWAP_MS = 10_000;
const START_MS = Date.UTC(2026, 4, 4, 6);

export function createDepot(options: DepotOptions) {
  const { circuits, evses, loss = 0, delayMs = 200, sampleS = 5, meterS = 1 } = options;
  const random = seeded(options.seed ?? 1);
  const encoder = new TextEncoder();
  let t = 0;
  let wallOffMs = 0;
  const clock: DepotClock = {
    origin: REAL_TIME,
    nowMs: () => START_MS + t + wallOffMs,
    monoMs: () => t,
    realDelayMs: (ms) => ms,
  };
  const queue: { atMs: number; run: () => void }[] = [];
  const lastWay = new Map<string, number>();
  /** One connection keeps its order, whatever each message takes. */
  const post = (link: string, lossy: boolean, run: () => void) => {
    if (lossy && random() < loss) return;
    const atMs = Math.max(t + random() * delayMs, lastWay.get(link) ?? 0);
    lastWay.set(link, atMs);
    queue.push({ atMs, run });
  };

  let control: Control | null = null;
  const alerts: { state: string; alert: Alert }[] = [];
  const recorded: EventOf<"setpoint.sent">["body"][] = [];
  const sent: { station: string; limit: Limit; atMs: number }[] = [];
  const failures: unknown[] = [];

  const stations = new Map<string, SimStation & { tick(): void }>();
  const otherA = new Map<string, [number, number, number]>(circuits.map((c) => [c.id, [0, 0, 0]]));
  const limits = new Map<string, PerLine>(circuits.map((c) => [c.id, c.limitA]));
  let metersOn = true;
  const deaf = new Set<string>();
  let meterOverride: ((currentA: number[]) => unknown) | null = null;

  const toGateway = (
    station: string,
    evse: number,
    kind: "hello" | "meter" | "status" | "limit",
    body: object,
    lossy: boolean,
  ) => {
    const payload = encoder.encode(JSON.stringify({ ts: new Date(START_MS + t).toISOString(), ...body }));
    post(`up ${station}`, lossy, () => control?.note({ station, evse, kind, payload }));
  };

  const powerOf = (current: number[]) => {
    const v = options.voltageV;
    if (v === undefined) return {};
    return { voltage_v: [v, v, v], power_w: current.reduce((sum, a) => sum + a, 0) * v };
  };

  const createStation = (spec: EvseSpec, index: number) => {
    let boot = 1;
    let seq = 0;
    let lease: { rev: number; limitA: number; untilMs: number } | null = null;
    // Only a station that can switch keeps a car from its other lines.
    const wired = spec.switchesPhases ? spec.phases : 3;
    let stationPhases: number = wired;
    let slept = false;
    let wasOffered = false;
    let lowerSinceMs = 0;
    let lowerTo = Number.POSITIVE_INFINITY;
    const number = () => ({ boot: `b${boot}`, seq: seq++ });
    const report = (kind: "hello" | "meter" | "status" | "limit", body: object, lossy: boolean) => {
      if (self.online)
        toGateway(spec.station, kind === "hello" ? 0 : spec.evse, kind, { ...number(), ...body }, lossy);
    };
    const status = () =>
      report(
        "status",
        {
          connector_state: self.faulted ? "faulted" : self.car ? "occupied" : "available",
          charging_state: !self.car
            ? "idle"
            : self.drawA > 0
              ? "charging"
              : self.offerA() < spec.minA
                ? "suspended_evse"
                : "suspended_ev",
        },
        false,
      );
    let told = "";
    let leftAtMs = Number.NEGATIVE_INFINITY;
    let leftPhases = spec.phases as number;
    const self = {
      spec,
      online: true,
      car: null as CarSpec | null,
      faulted: false,
      drawA: 0,
      received: [] as Limit[],
      offerA: () => (lease !== null && t < lease.untilMs ? lease.limitA : spec.fallbackA),
      plug(car: CarSpec) {
        self.car = car;
      },
      // Nobody plugs another car in sooner than this.
      phases: () =>
        Math.min(stationPhases, self.car?.phases ?? (t - leftAtMs < SWAP_MS ? leftPhases : spec.phases)),
      switches: 0,
      switchedUnderCurrent: false,
      knowsPhases: true,
      unplug() {
        leftPhases = self.car?.phases ?? leftPhases;
        leftAtMs = t;
        self.car = null;
        self.drawA = 0;
      },
      reboot() {
        boot++;
        seq = 0;
        lease = null;
        stationPhases = wired;
        self.drawA = 0;
        report("hello", { online: true }, false);
        control?.subscribed(spec.station);
      },
      disconnect() {
        self.online = false;
      },
      connect() {
        self.online = true;
        report("hello", { online: true }, false);
        told = "";
        control?.subscribed(spec.station);
      },
      hear(limit: Limit) {
        if (!self.online || (lease !== null && limit.rev < lease.rev)) return;
        self.received.push(limit);
        lease = { rev: limit.rev, limitA: limit.limit_a, untilMs: t + limit.valid_for_s * 1000 };
        const knows = spec.switchesPhases && self.knowsPhases;
        if (knows && limit.phases !== stationPhases) {
          self.switches++;
          self.switchedUnderCurrent ||= self.drawA > 0;
          stationPhases = limit.phases;
        }
        const phases = knows ? { phases: stationPhases } : {};
        report("limit", { rev: limit.rev, limit_a: limit.limit_a, ...phases }, true);
      },
      tick() {
        const offer = self.offerA();
        const car = self.car;
        const wish =
          car === null || self.faulted ? 0 : car.ignoresLimits ? car.maxA : Math.min(car.maxA, offer);
        const isOffered = offer >= spec.minA;
        // It falls asleep with its first pause and wakes with the one after.
        if (car?.oversleeps && wasOffered && !isOffered) slept = !slept;
        wasOffered = isOffered;
        const goal = wish < spec.minA || (car?.oversleeps && slept) ? 0 : wish;
        // A cut is followed within three seconds (IEC 61851-1 allows five), a raise climbs 4 A in a second.
        if (goal < self.drawA) {
          if (goal !== lowerTo) {
            if (lowerTo === Number.POSITIVE_INFINITY) lowerSinceMs = t;
            lowerTo = goal;
          }
          if (t - lowerSinceMs >= 3000 || car === null) self.drawA = goal;
        } else {
          lowerTo = Number.POSITIVE_INFINITY;
          self.drawA = Math.min(goal, self.drawA === 0 ? spec.minA : self.drawA + 4);
        }
        if (car?.tapersTo !== undefined) {
          self.drawA = Math.min(self.drawA, car.tapersTo);
        }
        const state = `${self.car !== null} ${self.faulted} ${self.drawA > 0} ${offer < spec.minA}`;
        if (state !== told && self.online) {
          told = state;
          status();
        }
        if (Math.floor(t / 1000) % sampleS === index % sampleS) {
          const used = Math.min(stationPhases, car?.phases ?? 0);
          const current_a = [0, 1, 2].map((p) => (p < used ? self.drawA : 0));
          report("meter", { current_a, ...powerOf(current_a) }, true);
        }
      },
    };
    return self;
  };
  evses.forEach((spec, i) => {
    stations.set(`${spec.station}/${spec.evse}`, createStation(spec, i));
  });
  const byStation = new Map([...stations.values()].map((s) => [s.spec.station, s]));

  const parentOf = new Map(circuits.map((c) => [c.id, c.parent]));
  /** Sums `of` over the tree, other load included when asked. */
  const sums = (of: (s: SimStation) => number, withOther: boolean) => {
    const total = new Map(circuits.map((c) => [c.id, [0, 0, 0]]));
    const add = (circuit: string, line: number, a: number) => {
      for (let c: string | null = circuit; c !== null; c = parentOf.get(c) ?? null) {
        const lines = total.get(c);
        if (lines) lines[line] = (lines[line] ?? 0) + a;
      }
    };
    for (const s of stations.values())
      for (const line of linesOf(s.spec.phaseOrder, s.phases())) add(s.spec.circuit, line, of(s));
    if (withOther)
      for (const [id, lines] of otherA) for (const line of [0, 1, 2]) add(id, line, lines[line] ?? 0);
    return total;
  };
  const excess = (of: (s: SimStation) => number) => {
    const found: { circuit: string; line: number; a: number; limitA: number; atS: number }[] = [];
    for (const [id, lines] of sums(of, true)) {
      const limit = limits.get(id) ?? [0, 0, 0];
      lines.forEach((a, line) => {
        const limitA = limit[line] ?? 0;
        if (a > limitA + 0.01) found.push({ circuit: id, line, a, limitA, atS: t / 1000 });
      });
    }
    return found;
  };

  const depot = {
    clock,
    alerts,
    recorded,
    sent,
    failures,
    stations,
    station: (id: string) => {
      const s = stations.get(id);
      if (s === undefined) throw new Error(`no station ${id}`);
      return s;
    },
    get control() {
      if (control === null) throw new Error("the gateway is off");
      return control;
    },
    isGatewayOn: () => control !== null,
    get nowS() {
      return t / 1000;
    },
    setOther(circuit: string, a: [number, number, number]) {
      otherA.set(circuit, a);
    },
    /** Lowers or lifts a circuit's limit while all runs. */
    setLimit(circuit: string, a: PerLine) {
      limits.set(circuit, a);
      control?.setCircuitLimit(circuit, a);
    },
    limitOf: (circuit: string): PerLine => limits.get(circuit) ?? [0, 0, 0],
    otherOf: (circuit: string): PerLine => otherA.get(circuit) ?? [0, 0, 0],
    silenceMeters(on: boolean) {
      metersOn = !on;
    },
    /** Limits to this station are lost while its connection stands. */
    deafen(station: string, on: boolean) {
      if (on) deaf.add(station);
      else deaf.delete(station);
    },
    /** The gateway's wall clock is set; its monotonic clock is not, nor are the stations' clocks. */
    stepClock(ms: number) {
      wallOffMs += ms;
    },
    /** Changes what the circuits' meters say; null: the truth again. */
    forgeMeter(forge: ((currentA: number[]) => unknown) | null) {
      meterOverride = forge;
    },
    startGateway() {
      control = (options.control ?? createControl)({
        clock,
        circuits,
        evses,
        ...(options.settings ? { settings: options.settings } : {}),
        ...(options.allocate ? { allocate: options.allocate } : {}),
        send(station, evse, limit) {
          sent.push({ station, limit, atMs: t });
          const mine = control;
          if (!deaf.has(station))
            post(`down ${station}`, true, () => mine && stations.get(`${station}/${evse}`)?.hear(limit));
        },
        alerts: new AlertBoard(
          ({ type, body }) =>
            alerts.push({ state: type === "alert.raised" ? "raised" : "cleared", alert: body }),
          () => clock.nowMs(),
        ),
        record: (event: NewEvent) => {
          if (event.type === "setpoint.sent") recorded.push(event.body);
        },
        isConnected: (station) => byStation.get(station)?.online ?? false,
        failed: (error) => failures.push(error),
      });
      for (const s of stations.values()) if (s.online) s.connect();
    },
    /** The process is gone: nothing is sent or heard, what is under way is lost. */
    killGateway() {
      control = null;
      queue.length = 0;
    },
    /** What stations may draw by command, or draw in spite of it, against every limit. */
    allowedExcess: () => excess((s) => Math.max(s.offerA() >= s.spec.minA ? s.offerA() : 0, s.drawA)),
    /** What is really drawn against every limit. */
    drawnExcess: () => excess((s) => s.drawA),
    /** Limits sent to a station since a time, s. */
    sentTo: (station: string, sinceS = 0) =>
      sent.filter((x) => x.station === station && x.atMs >= sinceS * 1000).map((x) => x.limit),
    raised: (kind: string) => alerts.filter((a) => a.state === "raised" && a.alert.kind === kind),
    /** W that a circuit takes from above, other load included. */
    gridW: (circuit: string) =>
      (sums((s) => s.drawA, true).get(circuit) ?? []).reduce((sum, a) => sum + a, 0) *
      (options.voltageV ?? 230),
    /** A on L1, L2, L3 of a circuit, other load included. */
    lines: (circuit: string) => sums((s) => s.drawA, true).get(circuit) ?? [0, 0, 0],
    drawn: (circuit: string) => sums((s) => s.drawA, false).get(circuit) ?? [0, 0, 0],

    /** Lets seconds pass; `each` runs after every one. */
    async run(seconds: number, each: () => void = () => {}) {
      for (let s = 0; s < seconds; s++) {
        t += 1000;
        const due = queue.filter((m) => m.atMs <= t).sort((a, b) => a.atMs - b.atMs);
        const later = queue.filter((m) => m.atMs > t);
        queue.splice(0, queue.length, ...later);
        for (const m of due) m.run();
        for (const station of stations.values()) station.tick();
        if (metersOn && Math.floor(t / 1000) % meterS === 0) {
          const total = sums((x) => x.drawA, true);
          for (const c of circuits)
            if (c.meter !== null) {
              const truth = [...(total.get(c.id) ?? [])];
              toGateway(
                c.meter,
                0,
                "meter",
                { current_a: meterOverride ? meterOverride(truth) : truth, ...powerOf(truth) },
                true,
              );
            }
        }
        await control?.tick();
        each();
      }
    },
  };
  return depot;
}

export const CAR: CarSpec = { maxA: 32, phases: 3 };

export const metered = (limit: number | PerLine): Circuit => ({
  ...circuit("site", null, limit),
  meter: "grid",
});

export const stations = (n: number, of: Partial<EvseSpec> = {}): EvseSpec[] =>
  Array.from({ length: n }, (_, i) => evseSpec(`cp-${i + 1}`, of));

/** A running depot whose first `cars` EVSEs charge as far as the limits let them. */
export async function charging(cars: number, options: DepotOptions, car = CAR): Promise<Depot> {
  const depot = createDepot(options);
  depot.startGateway();
  await depot.run(15);
  for (let i = 1; i <= cars; i++) depot.station(`cp-${i}/1`).plug(car);
  await depot.run(75);
  return depot;
}

export const offers = (depot: Depot): number[] => [...depot.stations.values()].map((s) => s.offerA());
