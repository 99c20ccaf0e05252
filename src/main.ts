/**
 * The composition root: builds the parts, hands them each other's functions, starts them in order and stops them in
 * reverse. Every promise of the gateway is kept by a part; here one sees how they meet.
 */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import type { Logger } from "pino";
import { AlertBoard } from "./alerts.ts";
import type { BookedSession } from "./books.ts";
import { type Config, circuits, evseSpecs, readSecret } from "./config.ts";
import { createControl } from "./control/loop.ts";
import { LaddportError } from "./errors.ts";
import { certificateFingerprint } from "./identity/certificates.ts";
import { parseCredentials } from "./identity/credentials.ts";
import { PasswordVerifier } from "./identity/password-verifier.ts";
import { SubjectStore } from "./identity/subject-store.ts";
import { readTokenList } from "./identity/token-list.ts";
import { readKek, Vault } from "./identity/vault.ts";
import { evseStates, liveHealth, siteState, webSources } from "./live-view.ts";
import { lockDirectory } from "./log/lock.ts";
import { type ClockOrigin, type DepotClock, depotClock, REAL_TIME } from "./model/clock.ts";
import type { EventBodies, NewEvent } from "./model/event.ts";
import { siteTopics } from "./model/topics.ts";
import { createFlows } from "./node-red.ts";
import { Outbox } from "./outbox.ts";
import { outboxSettings } from "./outbox-settings.ts";
import type { Parts } from "./parts.ts";
import { answerRequest } from "./requests.ts";
import { createLiveState, type LiveState } from "./sinks/live-state.ts";
import { type Broker, createBroker } from "./stations/broker.ts";
import { VERSION } from "./version.ts";
import { createLoopDelay } from "./web/loop-delay.ts";
import { createMetrics } from "./web/metrics.ts";
import { createWebServer, type WebServer } from "./web/server.ts";
import { createAllocationPool } from "./workers/allocation.ts";
import { Checkpointer } from "./workers/checkpointer.ts";
import { Ledger } from "./workers/ledger.ts";
import type { News } from "./workers/ledger-protocol.ts";

export interface GatewayOptions {
  config: Config;
  /** The log, the sealed store and Node-RED's folder; made when missing. */
  dataDir: string;
  /** Real time when absent; only the demo scales it. */
  clock?: ClockOrigin;
  log: Logger;
  /** Called when the process must end, with its exit code: an fsync failed. */
  fatal?(code: number, why: string): void;
}

/** Where the gateway listens, as URLs. */
export interface Listening {
  mqtt?: string;
  mqtts?: string;
  ws?: string;
  api?: string;
  flows?: string;
}

export interface GatewayStats {
  ackedEvents: number;
  sessionsOpen: number;
  sessionsClosed: number;
  cdrsIssued: number;
  summariesSealed: number;
  summariesAcknowledged: number;
  energyWhMetered: number;
  energyWhBilled: number;
  /** Per line. */
  siteA: number[];
  siteLimitA: number[];
  nodeRed: string;
  stationsByState: Record<string, number>;
}

export interface Gateway {
  start(): Promise<Listening>;
  stop(reason: string): Promise<void>;
  stats(): Promise<GatewayStats>;
  /** Every ended session with what was billed for it. */
  sessions(): Promise<BookedSession[]>;
  /** Folds, seals and delivers all that is pending; false when the cloud did not take it in time. */
  flush(timeoutMs: number): Promise<boolean>;
}

/** sysexits.h EX_IOERR: a supervisor starts the gateway again, and that start verifies the log. */
export const EXIT_FSYNC = 74;

export function createGateway(options: GatewayOptions): Gateway {
  return new Composition(options);
}

class Composition implements Gateway {
  readonly #options: GatewayOptions;
  readonly #stops: { name: string; stop: () => Promise<void> | void }[] = [];
  #parts: Parts | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  async start(): Promise<Listening> {
    try {
      return await this.#start();
    } catch (error) {
      await this.stop("start failed");
      throw error;
    }
  }

  async #start(): Promise<Listening> {
    const { config, dataDir, log } = this.#options;
    const clock = depotClock(this.#options.clock ?? REAL_TIME);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // So that the log can be proven from the data directory alone.
    copyFileSync(config.signer.certFile, join(dataDir, "signer.pem"));
    const unlock = lockDirectory(dataDir);
    if (!unlock) throw new LaddportError("LP504", `another gateway writes to ${dataDir}`);
    this.#onStop("lock", unlock);

    if (config.tokens.file) knowTokens(config, dataDir);
    const ledger = new Ledger(this.#ledgerSettings(clock));
    const resumed = await ledger.start();
    const checkpointer = new Checkpointer({ ...this.#ledgerSettings(clock), dir: dataDir });
    checkpointer.start();
    this.#onStop("checkpointer", () => checkpointer.stop());
    this.#onStop("ledger", () => ledger.stop());
    log.info({ head: resumed.head.offset, replayed: resumed.replayed }, "log open");

    const append = (event: NewEvent) => void ledger.append([event]);
    const alerts = new AlertBoard(append, clock.nowMs);
    const outbox = new Outbox(outboxSettings(config, dataDir, clock.origin, resumed.epoch), ledger);
    const pool = createAllocationPool();
    const topics = siteTopics(config.site.id);
    const parts = {
      config,
      clock,
      topics,
      ledger,
      outbox,
      alerts,
      dataDir,
      counts: new Map<string, number>(),
      setpoints: new Map<string, number>(),
      latest: { head: resumed.head.offset, foldLag: 0, diskFull: false, damage: resumed.damage },
      epoch: resumed.epoch,
    } as Parts;
    this.#parts = parts;
    parts.control = this.#control(parts, pool.allocate, append);
    parts.broker = this.#broker(parts, append);
    this.#wire(parts, checkpointer);

    outbox.start();
    this.#onStop("outbox", () => outbox.stop());
    parts.control.start();
    this.#onStop("control", async () => {
      parts.control.stop();
      await pool.close();
    });
    const ports = await parts.broker.start();
    this.#onStop("broker", () => parts.broker.stop());
    this.#startLive(parts);
    const api = await this.#startWeb(parts);
    const flows = await this.#startFlows(parts, ports.tcp);
    log.info({ ports, api, flows }, "gateway up");
    return { ...urlsOf(config, ports), api, ...(flows ? { flows } : {}) };
  }

  #onStop(name: string, stop: () => Promise<void> | void): void {
    this.#stops.push({ name, stop });
  }

  async stop(reason: string): Promise<void> {
    const { log } = this.#options;
    const parts = this.#parts;
    if (parts) {
      const atMs = parts.clock.nowMs();
      const body = { reason };
      void parts.ledger.append([{ type: "gateway.stopped", atMs, station: null, key: null, body }]);
    }
    for (const { name, stop } of this.#stops.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        log.error({ err: error, part: name }, "could not stop a part");
      }
    }
    log.info({ reason }, "gateway stopped");
  }

  #ledgerSettings(clock: DepotClock) {
    const { config, dataDir } = this.#options;
    const moduli = config.stations.flatMap(({ id, evses, registerModulusWh }) =>
      registerModulusWh === undefined
        ? []
        : Array.from({ length: evses }, (_, i): [string, number] => [`${id}/${i + 1}`, registerModulusWh]),
    );
    return {
      site: config.site.id,
      dir: dataDir,
      clock: clock.origin,
      evses: evseSpecs(config),
      meters: config.meters.map((m) => m.id),
      voltageV: config.grid.voltageV,
      registerModulusWh: moduli,
      finishingLimitMs: config.sessions.finishingMin * 60_000,
      tariff: config.tariffs[0] ?? null,
      tokenPolicy: config.tokens.policy,
      kekFile: config.identity.kekFile,
      signerCertFile: config.signer.certFile,
      signerKeyFile: config.signer.keyFile,
      version: VERSION,
      rawDays: config.retention.rawDays,
    };
  }

  #control(
    parts: Parts,
    allocate: ReturnType<typeof createAllocationPool>["allocate"],
    append: (e: NewEvent) => void,
  ) {
    const { config, clock, topics, alerts } = parts;
    const { log } = this.#options;
    return createControl({
      clock,
      circuits: circuits(config),
      evses: evseSpecs(config),
      settings: { leaseS: config.control.leaseS, nominalV: config.grid.voltageV },
      allocate,
      send: (station, evse, limit) =>
        parts.broker.publish(topics.limit(station, evse), JSON.stringify(limit)),
      isConnected: (station) => parts.broker.isConnected(station),
      record(event) {
        if (event.type === "setpoint.sent") {
          const { reason } = event.body;
          parts.setpoints.set(reason, (parts.setpoints.get(reason) ?? 0) + 1);
        }
        append(event);
      },
      alert: (state, alert) => (state === "raised" ? alerts.raise(alert) : alerts.clear(alert.id)),
      failed: (error) => log.error({ err: error }, "a control tick failed"),
    });
  }

  #broker(parts: Parts, append: (e: NewEvent) => void): Broker {
    const { config, clock, ledger, alerts, topics } = parts;
    const { log } = this.#options;
    const credentialsFile = config.mqtt.credentialsFile;
    const verifier = new PasswordVerifier(
      parseCredentials(readFileSync(credentialsFile, "utf8"), credentialsFile),
    );
    const known = new Set([...config.stations.map((s) => s.id), ...config.meters.map((m) => m.id)]);
    const fact = <T extends "station.connected" | "station.disconnected">(
      type: T,
      station: string,
      body: EventBodies[T],
    ) => append({ type, atMs: clock.nowMs(), station, key: null, body } as NewEvent);
    return createBroker({
      site: config.site.id,
      clock,
      listen: listenOptions(config),
      authenticate: (user, password, address) => verifier.verify(user, password, address),
      identityOfCertificate: (name) => verifier.identity(name),
      accept(message, done) {
        parts.control.note(message);
        ledger.accept(message, done);
      },
      request: (identity, verb, payload) =>
        answerRequest({ control: parts.control, nowMs: clock.nowMs }, verb, payload, (id, answer) =>
          parts.broker.publish(topics.response(identity.name, id), JSON.stringify(answer)),
        ),
      connected(identity, info) {
        if (known.has(identity.name)) fact("station.connected", identity.name, info);
      },
      disconnected(identity, reason) {
        if (known.has(identity.name)) fact("station.disconnected", identity.name, { reason });
      },
      subscribed: (identity) => parts.control.subscribed(identity.name),
      rejected(identity, what) {
        log.warn({ identity: identity?.name, kind: what.kind, detail: what.detail }, "refused");
        if (what.kind !== "mqtt5_refused" && what.kind !== "identity_takeover") return;
        const subject = identity?.name ?? "unknown";
        alerts.raise({
          id: `${what.kind}:${subject}`,
          kind: what.kind,
          severity: "warning",
          subject,
          cause: what.detail,
        });
      },
    });
  }

  /** What one part says and others need to hear. */
  #wire(parts: Parts, checkpointer: Checkpointer): void {
    const { ledger, outbox, broker, alerts, topics, counts, latest } = parts;
    const { log, fatal } = this.#options;
    ledger.on("news", (news: News) => {
      latest.head = news.head.offset;
      latest.foldLag = news.foldLag;
      for (const [type, n] of Object.entries(news.counts)) counts.set(type, (counts.get(type) ?? 0) + n);
      this.#commitMs(news.commitMs);
      outbox.moved(news.head.offset);
    });
    ledger.on("rejected", ({ station, ...rejected }) => {
      broker.publish(topics.rejected(station), JSON.stringify(rejected));
      const conflict = rejected.code === "KEY_CONFLICT";
      const kind = conflict ? "key_conflict" : "message_rejected";
      alerts.raise({
        id: `${kind}:${station}`,
        kind,
        severity: "warning",
        subject: station,
        cause: rejected.message,
      });
    });
    ledger.on("authorization", ({ station, evse, ...answer }) =>
      broker.publish(topics.authorization(station, evse), JSON.stringify(answer)),
    );
    ledger.on("full", (full) => {
      latest.diskFull = full;
      broker.hold(full);
      if (full) log.error("LP503 the disk is full: acknowledgements are held");
      const cause = "no room for the log; acknowledgements are held until there is";
      if (full)
        alerts.raise({ id: "disk_full", kind: "disk_full", severity: "critical", subject: "log", cause });
      else alerts.clear("disk_full");
    });
    ledger.on("restarted", (resumed) =>
      log.error({ replayed: resumed.replayed }, "the ledger thread died and runs again"),
    );
    ledger.on("fatal", (why) => {
      log.fatal({ why }, "LP502 an fsync failed");
      fatal?.(EXIT_FSYNC, why);
    });
    const damaged = (cause: string) => {
      latest.damage = cause;
      log.fatal({ cause }, "LP501 the log is damaged");
      alerts.raise({ id: "log_damaged", kind: "log_damaged", severity: "critical", subject: "log", cause });
    };
    if (latest.damage) damaged(latest.damage);
    checkpointer.on("proved", ({ facts, samples, damage }) => {
      const first = damage[0];
      if (first) damaged(`${first.chain} ${first.offset}: ${first.what}`);
      else log.info({ facts, samples }, "log proven");
    });
    checkpointer.on("died", (error) =>
      log.error({ err: error }, "the checkpoint thread died and runs again"),
    );
    outbox.on("publish", ({ topic, json, options }) => broker.publish(topic, json, options));
    outbox.on("log", ({ level, text, data }) => log[level](data ?? {}, text));
    outbox.on("died", (error) => log.error({ err: error }, "the outbox thread died and runs again"));
  }

  #commitMs: (ms: number) => void = () => undefined;

  #startLive(parts: Parts): void {
    const { config, broker, topics, clock } = parts;
    const live: LiveState = createLiveState({
      topics,
      publish: (topic, json, how) => broker.publish(topic, json, how),
      info: {
        version: VERSION,
        node: process.versions.node,
        site: config.site.id,
        gateway: certificateFingerprint(readFileSync(config.signer.certFile, "utf8")).slice(0, 16),
        epoch: parts.epoch,
        started_at: new Date(clock.nowMs()).toISOString(),
      },
      health: () => liveHealth(parts),
      onError: (topic, error) => this.#options.log.warn({ topic, err: error }, "could not publish state"),
    });
    const show = setInterval(() => {
      const state = parts.control.state();
      live.setSite(siteState(parts, state));
      for (const e of evseStates(parts, state)) live.setEvse(e.station, e.evse, e.state);
    }, 500);
    live.start();
    this.#onStop("live state", () => {
      clearInterval(show);
      live.stop();
    });
  }

  async #startWeb(parts: Parts): Promise<string> {
    const { config, clock, outbox } = parts;
    const { log } = this.#options;
    const loopDelay = createLoopDelay();
    loopDelay.start();
    const { sources, figures } = webSources(parts);
    const metrics = createMetrics(figures, loopDelay);
    this.#commitMs = (ms) => metrics.observeCommit(ms / 1000);
    const server: WebServer = createWebServer({
      ...config.api.listen,
      apiToken: readSecret(config.api.tokenFile),
      sources,
      metrics,
      nowMs: clock.nowMs,
      onError: (error) => log.error({ err: error }, "a request failed"),
    });
    const url = await server.start();
    const report = setInterval(() => {
      const { rss } = process.memoryUsage();
      outbox.gateway({ rssMb: rss / 2 ** 20, loopP99Ms: loopDelay.percentileMs(99) });
    }, 10_000);
    this.#onStop("web", async () => {
      clearInterval(report);
      await server.stop();
      loopDelay.stop();
    });
    return url;
  }

  async #startFlows(parts: Parts, tcpPort: number | undefined): Promise<string | undefined> {
    const { config, alerts, dataDir } = parts;
    const settings = config.flows;
    if (!settings?.enabled || tcpPort === undefined) return undefined;
    const { log } = this.#options;
    const port = settings.port === 0 ? await freePort() : settings.port;
    const flows = createFlows({
      // Beside the data directory, not in it: that one is closed to the user that flows run as.
      userDir: `${resolve(dataDir)}-flows`,
      mqtt: {
        url: `mqtt://127.0.0.1:${tcpPort}`,
        site: config.site.id,
        username: "flows",
        password: readSecret(settings.passwordFile),
      },
      port,
      memoryMb: settings.memoryMb,
      admin: { username: "admin", passwordHash: readSecret(settings.adminPasswordHashFile) },
      credentialSecret: readSecret(settings.credentialSecretFile),
      log: log.child({ part: "flows" }),
      onState(state, reason) {
        log.info({ state, reason }, "flows");
        if (state === "up") alerts.clear("flows_down");
        if (state !== "restarting" && state !== "safe_mode") return;
        alerts.raise({
          id: "flows_down",
          kind: "flows_down",
          severity: "warning",
          subject: "flows",
          cause: reason,
        });
      },
    });
    parts.flows = flows;
    this.#onStop("flows", () => flows.stop());
    try {
      await flows.start();
    } catch (error) {
      // Flows are the integrator's; charging and billing do not wait for them.
      log.error({ err: error }, "LP701 flows cannot start");
      const cause = (error as Error).message;
      alerts.raise({ id: "flows_down", kind: "flows_down", severity: "warning", subject: "flows", cause });
    }
    return `http://127.0.0.1:${port}`;
  }

  async stats(): Promise<GatewayStats> {
    const parts = this.#running();
    const count = (type: string) => parts.counts.get(type) ?? 0;
    const state = parts.control.state();
    const site = siteState(parts, state);
    const sessions = await this.sessions();
    const byState: Record<string, number> = {};
    for (const { state: word } of state.evses) byState[word] = (byState[word] ?? 0) + 1;
    return {
      ackedEvents: parts.ledger.acknowledged,
      sessionsOpen: count("session.started") - count("session.ended"),
      sessionsClosed: sessions.length,
      cdrsIssued: count("cdr.issued"),
      summariesSealed: count("summary.sealed"),
      summariesAcknowledged: count("summary.acknowledged"),
      energyWhMetered: sessions.reduce((sum, s) => sum + s.energy_wh, 0),
      energyWhBilled: sessions.reduce((sum, s) => sum + (s.billed_wh ?? 0), 0),
      siteA: [...(site.current_a ?? [0, 0, 0])],
      siteLimitA: [...site.limit_a],
      nodeRed: parts.flows?.state() ?? "off",
      stationsByState: byState,
    };
  }

  sessions(): Promise<BookedSession[]> {
    return this.#running().outbox.ask("books", {});
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const { ledger, outbox, latest } = this.#running();
    const until = Date.now() + timeoutMs;
    while ((ledger.pending > 0 || latest.foldLag > 0) && Date.now() < until) await pause(20);
    // Two groups more: what folding gives is committed with the next group, and its bills with the one after.
    await pause(200);
    return outbox.ask("flush", { timeoutMs: Math.max(0, until - Date.now()) });
  }

  #running(): Parts {
    if (!this.#parts) throw new Error("the gateway is not started");
    return this.#parts;
  }
}

/** The list of the config replaces what was known; a list imported later by the command line lasts until then. */
function knowTokens(config: Config, dataDir: string): void {
  const store = new SubjectStore(join(dataDir, "subjects.db"), new Vault(readKek(config.identity.kekFile)));
  store.setKnownTokens(readTokenList(config.tokens.file as string));
  store.close();
}

/** A port that was free a moment ago, so that the editor's address is known before Node-RED is up. */
function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer().once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function listenOptions(config: Config) {
  const { tcp, tls, ws } = config.mqtt;
  // Flows always need a door on loopback; stations may have none but TLS.
  const door = tcp ?? (config.flows?.enabled ? { host: "127.0.0.1", port: 0 } : undefined);
  return {
    ...(door ? { tcp: door } : {}),
    ...(ws ? { ws } : {}),
    ...(tls
      ? {
          tls: {
            ...tls.listen,
            cert: readFileSync(tls.certFile),
            key: readFileSync(tls.keyFile),
            ...(tls.clientCaFile ? { ca: readFileSync(tls.clientCaFile) } : {}),
          },
        }
      : {}),
  };
}

function urlsOf(config: Config, ports: { tcp?: number; tls?: number; ws?: number }): Listening {
  const { tcp, tls, ws } = config.mqtt;
  return {
    ...(tcp && ports.tcp ? { mqtt: `mqtt://${tcp.host}:${ports.tcp}` } : {}),
    ...(tls && ports.tls ? { mqtts: `mqtts://${tls.listen.host}:${ports.tls}` } : {}),
    ...(ws && ports.ws ? { ws: `ws://${ws.host}:${ports.ws}` } : {}),
  };
}
