/**
 * The composition root: builds the parts, hands them each other's functions, starts them in order and stops them in
 * reverse. Every promise of the gateway is kept by a part; here one sees how they meet. What is between two parts lies
 * in `gateway/`.
 */
import { auditTrail } from "./gateway/audit.ts";
import type { BookedSession } from "./gateway/books.ts";
import { buildParts } from "./gateway/build-parts.ts";
import { certificateWatch } from "./gateway/certificate-watch.ts";
import { ClockWatch } from "./gateway/clock-sync.ts";
import { recordConfig } from "./gateway/config-audit.ts";
import { knowTokens, refuseNewerLog, takeDataDirectory } from "./gateway/data-directory.ts";
import { DepartureDoor } from "./gateway/departure-door.ts";
import { depotFlows, startFlows } from "./gateway/depot-flows.ts";
import { DoorCertificates } from "./gateway/door-certificates.ts";
import { flushAll, statsOf } from "./gateway/figures.ts";
import type { Gateway, GatewayOptions, GatewayStats, Listening } from "./gateway/gateway.ts";
import { writeGatewayFile } from "./gateway/gateway-file.ts";
import { ledgerSettings } from "./gateway/ledger-settings.ts";
import { tlsFileNames, tlsFiles, urlsOf } from "./gateway/listening.ts";
import { liveTopics } from "./gateway/live-topics.ts";
import { passOnNews } from "./gateway/news.ts";
import { operatorFacts } from "./gateway/operator-facts.ts";
import { Outbox } from "./gateway/outbox.ts";
import { outboxSettings } from "./gateway/outbox-settings.ts";
import type { Foundation, Parts } from "./gateway/parts.ts";
import { openPeople } from "./gateway/people.ts";
import { priceDoor } from "./gateway/price-door.ts";
import { clearWhatIsGone } from "./gateway/restored-alerts.ts";
import { restoredOrders } from "./gateway/restored-orders.ts";
import { depotWeb } from "./gateway/web.ts";
import { AlertBoard } from "./model/alert-board.ts";
import { depotClock, REAL_TIME } from "./model/clock.ts";
import type { NewEvent } from "./model/event.ts";
import { siteTopics } from "./model/topics.ts";
import { type AllocationPool, createAllocationPool } from "./workers/allocation.ts";
import { Checkpointer } from "./workers/checkpointer.ts";
import { Ledger } from "./workers/ledger.ts";

export type { Gateway, GatewayOptions, GatewayStats, Listening } from "./gateway/gateway.ts";

export function createGateway(options: GatewayOptions): Gateway {
  return new Composition(options);
}

class Composition implements Gateway {
  readonly #options: GatewayOptions;
  readonly #stops: { name: string; stop: () => Promise<void> | void }[] = [];
  #parts: Parts | undefined;
  #renewDoor: () => Promise<boolean> = async () => false;

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
    const base = await this.#openLog();
    const pool = createAllocationPool();
    const parts = buildParts(base, pool, await restoredOrders(base.dataDir));
    this.#parts = parts;
    passOnNews(parts, this.#options.fatal);
    clearWhatIsGone(parts);

    this.#startOutbox(parts);
    this.#startGridSide(parts);
    await this.#startNeeds(parts);
    this.#startControl(parts, pool);
    const ports = await this.#startBroker(parts);
    this.#startMeters(parts);
    await this.#watchCertificates(parts);
    this.#startPlanner(parts);
    this.#startLiveTopics(parts);
    const api = await this.#startWeb(parts);
    void recordConfig(parts);
    this.#offerSetup(parts);
    const flows = await this.#startFlows(parts, ports.tcp);
    parts.log.info({ ports, api, flows }, "gateway up");
    return { ...urlsOf(parts.config, ports), api, ...(flows ? { flows } : {}) };
  }

  /** The log before everything else: the promise that the other parts give is that it has what they acknowledge. */
  async #openLog(): Promise<Foundation> {
    const { config, dataDir, log } = this.#options;
    const clock = depotClock(this.#options.clock ?? REAL_TIME);
    this.#onStop("lock", takeDataDirectory(config, dataDir));
    await refuseNewerLog(dataDir);
    knowTokens(config, dataDir);
    const watch = new ClockWatch(config.site.clock);
    await watch.start();
    this.#onStop("clock watch", () => watch.stop());
    const settings = ledgerSettings(config, dataDir, clock.origin, watch.state);
    const ledger = new Ledger(settings);
    const { head, epoch, damage, replayed, openAlerts, sessions } = await ledger.start();
    const checkpointer = new Checkpointer(settings);
    checkpointer.start();
    this.#onStop("checkpointer", () => checkpointer.stop());
    this.#onStop("ledger", () => ledger.stop());
    log.info({ head: head.offset, replayed }, "log open");
    const append = (event: NewEvent) => void ledger.append([event]);
    const appendFact = operatorFacts(ledger);
    const outbox = new Outbox(outboxSettings(config, dataDir, clock.origin, epoch), ledger);
    const alerts = new AlertBoard(append, clock.nowMs, openAlerts);
    const audit = auditTrail(ledger, clock.nowMs);
    return {
      config,
      dataDir,
      clock,
      log,
      topics: siteTopics(config.site.id),
      ledger,
      checkpointer,
      outbox,
      alerts,
      people: openPeople(dataDir, alerts),
      certificates: certificateWatch(config, alerts),
      epoch,
      append,
      appendFact,
      audit,
      departures: new DepartureDoor({ config, clock, append, appendFact, outbox, audit }),
      takePrices: priceDoor({ config, clock, appendFact, outbox }),
      counts: new Map(),
      setpoints: new Map(),
      overflow: { quarantine: 0 },
      running: new Map(),
      occupants: new Map(),
      latest: { head: head.offset, foldLag: 0, sessions, diskFull: false, damage },
    };
  }

  #startOutbox({ outbox }: Parts): void {
    outbox.start();
    this.#onStop("outbox", () => outbox.stop());
  }

  #startGridSide({ gridWatch }: Parts): void {
    gridWatch.start();
    this.#onStop("grid side", () => gridWatch.stop());
  }

  /** What was said of departures comes back from the log before anybody plans with it. */
  async #startNeeds({ departures, depotNeeds, log }: Parts): Promise<void> {
    try {
      await departures.load();
    } catch (error) {
      log.error({ err: error }, "departures were not read: they are when the next one is set");
    }
    depotNeeds.start();
    this.#onStop("needs", () => depotNeeds.stop());
  }

  #startControl({ control }: Parts, pool: AllocationPool): void {
    control.start();
    this.#onStop("control", async () => {
      control.stop();
      await pool.close();
    });
  }

  #startPlanner({ planner, readiness }: Parts): void {
    planner.start();
    this.#onStop("planner", () => planner.close());
    readiness.start();
    this.#onStop("readiness", () => readiness.stop());
  }

  async #startBroker({ broker }: Parts): Promise<{ tcp?: number; tls?: number; ws?: number }> {
    // A broker that could not start has let go of everything itself.
    const ports = await broker.start();
    this.#onStop("broker", () => broker.stop());
    return ports;
  }

  #startMeters({ meters }: Parts): void {
    meters.start();
    this.#onStop("meters", () => meters.stop());
  }

  async #watchCertificates({ audit, broker, certificates, config, alerts, log }: Parts): Promise<void> {
    const door = new DoorCertificates({
      files: tlsFileNames(config),
      take: () => broker.renewTls(tlsFiles(config)),
      taken: () => {
        certificates.look();
        void audit({ actor: "gateway", action: "certificates.taken", object: "mqtt.tls" });
      },
      alerts,
      log,
    });
    await door.start();
    certificates.start();
    this.#renewDoor = () => door.renew();
    this.#onStop("certificates", () => {
      door.stop();
      certificates.stop();
    });
  }

  #startLiveTopics(parts: Parts): void {
    const live = liveTopics(parts);
    live.start();
    this.#onStop("live topics", () => live.stop());
  }

  async #startWeb(parts: Parts): Promise<string> {
    const web = depotWeb(parts);
    this.#onStop("web", () => web.stop());
    const api = await web.start();
    const { api: door, signer } = parts.config;
    const isWritten = writeGatewayFile(parts.dataDir, {
      api,
      token_file: door.tokenFile,
      signer_key_file: signer.keyFile,
      ...(door.tls ? { cert_file: door.tls.certFile } : {}),
    });
    if (!isWritten) parts.log.warn("the disk has no room for gateway.json: name --config to commands");
    return api;
  }

  #offerSetup({ people }: Parts): void {
    const { setupCode } = this.#options;
    const code = setupCode && people.issueSetupCode();
    if (code !== undefined) setupCode?.(code);
  }

  async #startFlows(parts: Parts, tcpPort: number | undefined): Promise<string | undefined> {
    const made = await depotFlows(parts, tcpPort);
    if (!made) return undefined;
    const { flows, url } = made;
    parts.flows = flows;
    this.#onStop("flows", () => flows.stop());
    await startFlows(parts, flows);
    return url;
  }

  #onStop(name: string, stop: () => Promise<void> | void): void {
    this.#stops.push({ name, stop });
  }

  async stop(reason: string): Promise<void> {
    const { log } = this.#options;
    if (this.#parts) {
      const { clock, append } = this.#parts;
      append({ type: "gateway.stopped", atMs: clock.nowMs(), station: null, key: null, body: { reason } });
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

  renewCertificates(): Promise<boolean> {
    return this.#renewDoor();
  }

  stats(): Promise<GatewayStats> {
    return statsOf(this.#running());
  }

  sessions(): Promise<BookedSession[]> {
    return this.#running().outbox.ask("books", {});
  }

  flush(timeoutMs: number): Promise<boolean> {
    return flushAll(this.#running(), timeoutMs);
  }

  #running(): Parts {
    if (!this.#parts) throw new Error("the gateway is not started");
    return this.#parts;
  }
}
