/** The broker with what stands behind it: who may in, where messages and requests go, which refusals are news. */
import { readFileSync } from "node:fs";
import type { Control } from "../control/loop.ts";
import { parseCredentials } from "../identity/credentials.ts";
import { PasswordVerifier } from "../identity/password-verifier.ts";
import type { AlertKind } from "../model/alert.ts";
import type { EventBodies, NewEvent } from "../model/event.ts";
import { type Broker, createBroker, type Identity, type RejectionKind } from "../stations/broker.ts";
import type { GridDoor } from "./grid-door.ts";
import { answerGridOrder } from "./grid-request.ts";
import { listenOptions } from "./listening.ts";
import type { Foundation } from "./parts.ts";
import { alertOfGuessing } from "./people.ts";
import { requestAudit } from "./request-audit.ts";
import { type Answer, answerDepartures, answerPrices, answerRequest } from "./requests.ts";

type Told = Extract<RejectionKind, AlertKind>;
/** Refusals that somebody has to act on. */
const TOLD = new Set<RejectionKind>([
  "mqtt5_refused",
  "identity_takeover",
  "other_auth_configured",
] satisfies Told[]);
const isTold = (kind: RejectionKind): kind is Told => TOLD.has(kind);

/** `heard`: who hears what stations say beside control and the log. */
export function stationDoor(
  base: Foundation,
  control: Control,
  heard: readonly Pick<Control, "note">[],
  door: GridDoor,
): Broker {
  const { certificates, config, clock, ledger, alerts, topics, log } = base;
  const { credentialsFile } = config.mqtt;
  const verifier = new PasswordVerifier(
    parseCredentials(readFileSync(credentialsFile, "utf8"), credentialsFile),
    {
      braked(user, address) {
        alertOfGuessing(alerts, verifier.identity(user)?.name, address);
      },
    },
  );
  const polled = new Set(config.meters.filter((m) => m.modbus).map((m) => m.id));
  const known = new Set(
    [...config.stations, ...config.meters].map(({ id }) => id).filter((id) => !polled.has(id)),
  );
  // The readings of a meter that the gateway polls are its own: nobody may publish in its name.
  const unlessPolled = (identity: Identity | undefined) => {
    if (identity === undefined || !polled.has(identity.name)) return identity;
    log.warn({ identity: identity.name }, "refused: the gateway polls this meter itself");
    return undefined;
  };
  const ways = new Map(
    [...config.stations, ...config.meters].map(({ id, auth }) => [id, auth === "any" ? undefined : auth]),
  );
  const fact = <T extends "station.connected" | "station.disconnected">(
    type: T,
    station: string,
    body: EventBodies[T],
  ) => {
    if (known.has(station)) base.append({ type, atMs: clock.nowMs(), station, key: null, body } as NewEvent);
  };
  const recordRequest = requestAudit(base.audit, clock.nowMs);
  // Whatever goes wrong with a request costs its answer, never the gateway.
  const answering = (answer: Promise<void>) =>
    void answer.catch((error: unknown) => log.error({ err: error }, "a request could not be answered"));
  const broker = createBroker({
    site: config.site.id,
    clock,
    listen: listenOptions(config),
    authenticate: async (user, password, address) =>
      unlessPolled(await verifier.verify(user, password, address)),
    // A station needs no password to have a certificate; anybody else is who the credentials file says.
    identityOfCertificate: (name) =>
      known.has(name) ? { name, role: "station" } : unlessPolled(verifier.identity(name)),
    wayOf: (name) => ways.get(name),
    accept(message, done) {
      control.note(message);
      for (const part of heard) part.note(message);
      ledger.accept(message, done);
    },
    request(identity, verb, payload) {
      const reply = (id: string, answer: object) =>
        broker.publish(topics.response(identity.name, id), JSON.stringify(answer));
      if (verb === "prices") {
        answering(answerPrices(base.takePrices, identity.name, payload, reply));
        return;
      }
      if (verb === "grid-order") {
        const context = { door, audit: base.audit, nowMs: clock.nowMs };
        answering(answerGridOrder(context, identity.name, payload, reply));
        return;
      }
      if (verb === "depart") {
        answering(answerDepartures(base.departures, identity, payload, reply));
        return;
      }
      const recorded = (id: string, answer: Answer) => {
        recordRequest({ client: identity.name, role: identity.role, payload }, answer);
        reply(id, answer);
      };
      answerRequest({ control, nowMs: clock.nowMs, realDelayMs: clock.realDelayMs }, verb, payload, recorded);
    },
    connected(identity, info, certificate) {
      if (certificate) certificates.seen(identity.name, certificate);
      fact("station.connected", identity.name, info);
    },
    disconnected: (identity, reason) => fact("station.disconnected", identity.name, { reason }),
    subscribed: (identity) => control.subscribed(identity.name),
    rejected(identity, { kind, detail }) {
      log.warn({ identity: identity?.name, kind, detail }, "refused");
      if (!isTold(kind)) return;
      const subject = identity?.name ?? "unknown";
      alerts.raise({ id: `${kind}:${subject}`, kind, severity: "warning", subject, cause: detail });
    },
  });
  return broker;
}
