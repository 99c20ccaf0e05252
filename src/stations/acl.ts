/**
 * Who may publish and subscribe where: everything that is not listed here is denied. A station owns its topics by its
 * identity; a flow, a wall display or the command line can't speak for one. Direction is a topic level, so a rule is
 * a prefix without wildcards, and nobody reaches the root.
 */
import type { Identity, Role } from "../identity/credentials.ts";
import { type InTopic, parseInTopic, TOPIC_ROOT } from "../model/topics.ts";
import { isValidFilter } from "./topic-filter.ts";

/** What may be subscribed, below the site. `{name}` is the identity's own name. */
const READS: Record<Role, readonly string[]> = {
  station: ["out/{name}/"],
  flows: ["state/", "event/", "sys/", "res/flows/"],
  wall: ["state/", "sys/"],
  bridge: ["event/session/rated", "sys/"],
  cli: ["state/", "event/", "sys/", "req/", "res/"],
};

/** Whose requests may be published as `req/{client}/{verb}`. */
const REQUESTS: Partial<Record<Role, string>> = { flows: "flows", cli: "cli" };

const VERB = /^[a-z][a-z0-9_.-]{0,63}$/;

export interface Acl {
  /** Where a station's message belongs, or undefined when this identity may not publish it. */
  stationTopic(identity: Identity, topic: string): InTopic | undefined;
  /** The verb of a request, or undefined when this identity may not make it. */
  requestVerb(identity: Identity, topic: string): string | undefined;
  maySubscribe(identity: Identity, filter: string): boolean;
}

export function createAcl(site: string): Acl {
  const root = `${TOPIC_ROOT}/${site}/`;
  return {
    stationTopic(identity, topic) {
      if (identity.role !== "station") return undefined;
      const place = parseInTopic(site, topic);
      return place?.station === identity.name ? place : undefined;
    },
    requestVerb(identity, topic) {
      const client = REQUESTS[identity.role];
      const prefix = `${root}req/${client}/`;
      if (client === undefined || !topic.startsWith(prefix)) return undefined;
      const verb = topic.slice(prefix.length);
      return VERB.test(verb) ? verb : undefined;
    },
    maySubscribe(identity, filter) {
      if (!filter.startsWith(root) || !isValidFilter(filter)) return false;
      const below = filter.slice(root.length);
      return READS[identity.role].some((rule) => {
        const allowed = rule.replace("{name}", identity.name);
        return allowed.endsWith("/") ? below.startsWith(allowed) : below === allowed;
      });
    },
  };
}
