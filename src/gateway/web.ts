/** The HTTP API and metrics over the parts. */
import { readFileSync } from "node:fs";
import { readSecret } from "../config.ts";
import { createLoopDelay } from "../web/loop-delay.ts";
import { createMetrics } from "../web/metrics.ts";
import { createWebServer } from "../web/server.ts";
import { shownDepartures, shownVehicles } from "./departure-view.ts";
import { erasureGround } from "./erasure-ground.ts";
import { gridSource } from "./grid-source.ts";
import { holdDoor } from "./hold-door.ts";
import { keyDoor } from "./key-door.ts";
import { webSources } from "./live-view.ts";
import type { Parts } from "./parts.ts";
import { subjectDoor } from "./subject-door.ts";
import { whyDoor } from "./why-door.ts";

/** Wire time between the figures of this process that go to InfluxDB. */
const REPORT_MS = 10_000;

export interface Web {
  /** Resolves to the URL. */
  start(): Promise<string>;
  stop(): Promise<void>;
}

const tlsOf = ({ certFile, keyFile }: { certFile: string; keyFile: string }) => ({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
});

export function depotWeb(parts: Parts): Web {
  const { config, clock, outbox, ledger, appendFact, control, log } = parts;
  const loopDelay = createLoopDelay();
  const { sources, figures } = webSources(parts);
  const metrics = createMetrics(figures, loopDelay);
  const server = createWebServer({
    ...config.api.listen,
    hosts: config.api.hosts,
    ...(config.api.tls ? { tls: tlsOf(config.api.tls) } : {}),
    people: parts.people,
    apiToken: readSecret(config.api.tokenFile),
    sources,
    holds: holdDoor({ outbox, appendFact, nowMs: clock.nowMs }),
    meterKeys: keyDoor({ outbox, appendFact, nowMs: clock.nowMs }),
    why: whyDoor(parts),
    grid: gridSource(parts),
    departures: {
      list: () => shownDepartures(parts.departures, parts.depotNeeds, clock.nowMs(), config.site.timezone),
      vehicles: () => shownVehicles(parts.departures, parts.depotNeeds, clock.nowMs(), config.site.timezone),
      set: (request, by) => parts.departures.set(request, { source: "api", ...by }),
      remove: (ids, by) => parts.departures.remove(ids, { source: "api", ...by }),
    },
    audit: { record: parts.audit, list: (query) => outbox.ask("audit", query) },
    subjects: subjectDoor({
      work: (ask) => ledger.subject(ask),
      exported: (subject) => outbox.ask("subject", { subject }),
      audit: parts.audit,
      erasure: erasureGround(config),
    }),
    metrics,
    nowMs: clock.nowMs,
    onError: (error) => log.error({ err: error }, "a request failed"),
  });
  const observe = ({ commitMs }: { commitMs: number }) => metrics.observeCommit(commitMs / 1000);
  let report: NodeJS.Timeout | undefined;
  return {
    start() {
      loopDelay.start();
      ledger.on("news", observe);
      parts.planner.onSolved((seconds) => metrics.observeSolve(seconds));
      report = setInterval(() => {
        const { rss } = process.memoryUsage();
        const { power, ticks } = control.state();
        outbox.gateway({
          rssMb: rss / 2 ** 20,
          loopP99Ms: loopDelay.percentileMs(99),
          allocator: { ...power, cycleMs: ticks.cycle_ms },
        });
      }, REPORT_MS);
      return server.start();
    },
    async stop() {
      clearInterval(report);
      ledger.off("news", observe);
      await server.stop();
      loopDelay.stop();
    },
  };
}
