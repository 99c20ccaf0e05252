/**
 * The MQTT topic tree of contract v1: `laddport/v1/{site}/{in,out,state,event,req,res,sys}/...`.
 * Direction comes next after the site, so that an access rule is one prefix.
 */
import { ID_PATTERN } from "./ids.ts";

export const TOPIC_ROOT = "laddport/v1";

/** What a station may publish below `in/{station}`. `hello` belongs to the station, the rest to an EVSE. */
export const IN_KINDS = ["hello", "meter", "status", "tx", "authorize", "limit"] as const;
export type InKind = (typeof IN_KINDS)[number];

/** Where a message came from, read from its topic. `evse` 0 is the station itself (a meter station, `hello`). */
export interface InTopic {
  station: string;
  evse: number;
  kind: InKind;
}

const EVSE_PATTERN = /^(0|[1-9][0-9]?)$/;

/** Reads `laddport/v1/{site}/in/...`; undefined when the topic is not part of the contract for this site. */
export function parseInTopic(site: string, topic: string): InTopic | undefined {
  const prefix = `${TOPIC_ROOT}/${site}/in/`;
  if (!topic.startsWith(prefix)) return undefined;
  const parts = topic.slice(prefix.length).split("/");
  const station = parts[0] ?? "";
  if (!ID_PATTERN.test(station)) return undefined;
  if (parts.length === 2 && parts[1] === "hello") return { station, evse: 0, kind: "hello" };
  if (parts.length !== 3) return undefined;
  const [, evse = "", kind = ""] = parts;
  if (!EVSE_PATTERN.test(evse) || kind === "hello") return undefined;
  if (!(IN_KINDS as readonly string[]).includes(kind)) return undefined;
  return { station, evse: Number(evse), kind: kind as InKind };
}

/** Builds every topic of one site; the only place that knows how they are spelt. */
export function siteTopics(site: string) {
  const root = `${TOPIC_ROOT}/${site}`;
  return {
    root,
    hello: (station: string) => `${root}/in/${station}/hello`,
    in: (station: string, evse: number, kind: Exclude<InKind, "hello">) =>
      `${root}/in/${station}/${evse}/${kind}`,
    limit: (station: string, evse: number) => `${root}/out/${station}/${evse}/limit`,
    authorization: (station: string, evse: number) => `${root}/out/${station}/${evse}/authorization`,
    command: (station: string, evse: number) => `${root}/out/${station}/${evse}/cmd`,
    rejected: (station: string) => `${root}/out/${station}/rejected`,
    siteState: `${root}/state/site`,
    evseState: (station: string, evse: number) => `${root}/state/evse/${station}/${evse}`,
    /** What the open session at an EVSE costs so far; empty when there is none. */
    sessionState: (station: string, evse: number) => `${root}/state/session/${station}/${evse}`,
    /** Who charges when by the plan. */
    planState: `${root}/state/plan`,
    /** Who will be ready at departure. */
    readinessState: `${root}/state/readiness`,
    sessionEvent: (what: "started" | "ended" | "rated" | "held") => `${root}/event/session/${what}`,
    alertEvent: (what: "raised" | "cleared") => `${root}/event/alert/${what}`,
    request: (client: string, verb: string) => `${root}/req/${client}/${verb}`,
    response: (client: string, id: string) => `${root}/res/${client}/${id}`,
    /** Upstream only: sealed summaries out (DER), receipts in (JSON). */
    summary: `${root}/summary`,
    receipt: `${root}/receipt`,
    info: `${root}/sys/info`,
    health: `${root}/sys/health`,
  };
}

export type SiteTopics = ReturnType<typeof siteTopics>;
