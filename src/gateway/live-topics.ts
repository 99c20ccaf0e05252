/** The gateway's own state on live topics. */
import { readFileSync } from "node:fs";
import type { EvseState as ControlledEvse } from "../control/state.ts";
import { certificateFingerprint } from "../identity/certificates.ts";
import { evseId } from "../model/ids.ts";
import { createLiveState } from "../sinks/live-state.ts";
import { evseState, liveHealth, siteState } from "./live-view.ts";
import type { Parts } from "./parts.ts";
import { planState, shownToAll } from "./plan-view.ts";
import { readinessState } from "./readiness.ts";
import { VERSION } from "./version.ts";

/** Wire time between looks at the control loop. */
const SHOW_MS = 500;
/** Wire time between looks at the plan, which is long in a large depot. */
const SHOW_PLAN_MS = 5_000;
/** EVSEs shown without a pause: about a millisecond's worth. */
const AT_ONCE = 50;

export function liveTopics(parts: Parts): { start(): void; stop(): void } {
  const { config, broker, topics, clock, log, control } = parts;
  let show: NodeJS.Timeout | undefined;
  let next: NodeJS.Timeout | undefined;
  let showPlan: NodeJS.Timeout | undefined;
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

  /** Spread over the time until the next look: a large depot's state must not keep the sockets waiting. */
  function showEvses(evses: readonly ControlledEvse[]): void {
    for (const e of evses.slice(0, AT_ONCE)) {
      live.setEvse(e.station, e.evse, evseState(parts, e));
      live.setSession(e.station, e.evse, parts.running.get(evseId(e.station, e.evse)));
    }
    const rest = evses.slice(AT_ONCE);
    if (rest.length === 0) next = undefined;
    else next = setTimeout(() => showEvses(rest), (SHOW_MS * AT_ONCE) / (2 * evses.length));
  }

  return {
    start() {
      show = setInterval(() => {
        if (next !== undefined) return;
        const state = control.state();
        live.setSite(siteState(parts, state));
        showEvses(state.evses);
      }, SHOW_MS);
      showPlan = setInterval(() => {
        live.setPlan(shownToAll(planState(parts.planner.view())));
        live.setReadiness(shownToAll(readinessState(parts.readiness.all(), parts.readiness.counts())));
      }, SHOW_PLAN_MS);
      live.start();
    },
    stop() {
      clearInterval(show);
      clearInterval(showPlan);
      clearTimeout(next);
      live.stop();
    },
  };
}
