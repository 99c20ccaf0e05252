/** The gateway's own state on live topics. */
import { readFileSync } from "node:fs";
import { certificateFingerprint } from "../identity/certificates.ts";
import { createLiveState } from "../sinks/live-state.ts";
import { evseStates, liveHealth, siteState } from "./live-view.ts";
import type { Parts } from "./parts.ts";
import { VERSION } from "./version.ts";

/** Wire time between looks at the control loop. */
const SHOW_MS = 500;

export function liveTopics(parts: Parts): { start(): void; stop(): void } {
  const { config, broker, topics, clock, log, control } = parts;
  let show: NodeJS.Timeout | undefined;
  const live = createLiveState({
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
    onError: (topic, error) => log.warn({ topic, err: error }, "could not publish state"),
  });
  return {
    start() {
      show = setInterval(() => {
        const state = control.state();
        live.setSite(siteState(parts, state));
        for (const e of evseStates(parts, state)) live.setEvse(e.station, e.evse, e.state);
      }, SHOW_MS);
      live.start();
    },
    stop() {
      clearInterval(show);
      live.stop();
    },
  };
}
