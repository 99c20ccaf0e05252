/** docs/topics.md: the MQTT contract, from the schemas that the gateway checks messages with. */
import { z } from "zod";
import { DepartMessage } from "../src/model/departure.ts";
import { GridOrderMessage } from "../src/model/grid-request.ts";
import { Authorization, IN_MESSAGES, Limit, Rejected } from "../src/model/messages.ts";
import { PricesMessage } from "../src/model/prices.ts";
import { Receipt } from "../src/model/summary.ts";
import { siteTopics } from "../src/model/topics.ts";

export interface MessageDoc {
  /** Of the schema file. */
  name: string;
  /** Below `laddport/v1/{site}/`. */
  topic: string;
  what: string;
  schema: z.ZodType;
  examples: unknown[];
}

const numbered = (seq: number) => ({ ts: "2026-11-22T17:00:10.250Z", boot: "b91", seq });

const SHA256 = "9f2dbb473299d458c1fbd0e551145ea3a0ad2f41d2b786074afb1ecc5f65f7e9";

export const MESSAGES: readonly MessageDoc[] = [
  {
    name: "hello",
    topic: "in/{station}/hello",
    what: "The station is there; with `online: false` it is its Last Will.",
    schema: IN_MESSAGES.hello,
    examples: [
      {
        ...numbered(1),
        online: true,
        vendor: "Acme",
        model: "AC22",
        firmware: "3.1.4",
        meter_serial: "M-4711",
      },
      { ts: "2026-11-22T17:00:00Z", online: false },
    ],
  },
  {
    name: "meter",
    topic: "in/{station}/{evse}/meter",
    what: "A reading. The register makes bills; power and current are for control and display.",
    schema: IN_MESSAGES.meter,
    examples: [
      {
        ...numbered(4711),
        context: "sample.periodic",
        energy_import_wh: 18_234_567,
        power_w: 43_120,
        current_a: [62.4, 62.1, 62.9],
        voltage_v: [229.8, 230.4, 230],
        soc_pct: 41,
        tx_ref: "a41f",
      },
      { ...numbered(4712), power_w: 812_000, current_a: [1180.5, 1176.2, 1191] },
    ],
  },
  {
    name: "status",
    topic: "in/{station}/{evse}/status",
    what:
      "What the connector and the car are doing. `departure` and `energy_request_wh` are what the car itself wishes (ISO " +
      "15118, OCPP 2.0.1 NotifyEVChargingNeeds); they plan the stay and are not kept.",
    schema: IN_MESSAGES.status,
    examples: [
      { ...numbered(4713), connector_state: "occupied", charging_state: "suspended_ev" },
      { ...numbered(4714), connector_state: "faulted", fault_code: "GroundFailure" },
      {
        ...numbered(4715),
        connector_state: "occupied",
        charging_state: "ev_connected",
        departure: "2026-11-23T05:30:00Z",
        energy_request_wh: 42_000,
      },
    ],
  },
  {
    name: "tx",
    topic: "in/{station}/{evse}/tx",
    what: "A transaction, as the station counts them. Sessions are made from these.",
    schema: IN_MESSAGES.tx,
    examples: [
      {
        ...numbered(4700),
        event: "started",
        tx_ref: "a41f",
        energy_import_wh: 18_210_000,
        token: { uid: "04A1B2C3D4E5F6", type: "rfid" },
      },
      { ...numbered(4790), event: "ended", tx_ref: "a41f", energy_import_wh: 18_265_210, reason: "local" },
    ],
  },
  {
    name: "authorize",
    topic: "in/{station}/{evse}/authorize",
    what: "May this token charge? The answer comes on `out/{station}/{evse}/authorization`.",
    schema: IN_MESSAGES.authorize,
    examples: [{ ...numbered(4699), ref: "q1", token: { uid: "04A1B2C3D4E5F6" } }],
  },
  {
    name: "limit-confirmation",
    topic: "in/{station}/{evse}/limit",
    what: "The station obeys the limit of this revision.",
    schema: IN_MESSAGES.limit,
    examples: [{ ...numbered(4720), rev: 88_123, limit_a: 16 }],
  },
  {
    name: "limit",
    topic: "out/{station}/{evse}/limit",
    what:
      "A lease: valid for `valid_for_s` from receipt on the station's own monotonic clock, then `fallback_a`. Never " +
      "retained. A lower `rev` than the last is ignored.",
    schema: Limit,
    examples: [
      {
        ts: "2026-11-22T17:00:11Z",
        rev: 88_123,
        limit_a: 16,
        phases: 3,
        valid_for_s: 60,
        fallback_a: 6,
        reason: "circuit_limit",
        bound_by: "row-a L2",
      },
    ],
  },
  {
    name: "authorization",
    topic: "out/{station}/{evse}/authorization",
    what: "The answer to `authorize`, with its `ref`.",
    schema: Authorization,
    examples: [{ ref: "q1", status: "accepted", reason: "policy_free" }],
  },
  {
    name: "rejected",
    topic: "out/{station}/rejected",
    what: "What was sent cannot be used; it is kept in quarantine. Codes are in errors.md, LP4xx.",
    schema: Rejected,
    examples: [
      {
        code: "SCHEMA",
        message: "/energy_import_wh: Invalid input: expected number, received string",
        pointer: "/energy_import_wh",
        ref: { topic: "laddport/v1/ringon/in/cp-07/1/meter", boot: "b91", seq: 4711 },
      },
    ],
  },
  {
    name: "prices-request",
    topic: "req/{client}/prices",
    what:
      "Prices per kWh for a series that a tariff names in `price_source`, all of 15 or all of 60 minutes, times with " +
      "their UTC offset. Without `to` a price lasts until the next one. Taken whole or refused with the reason; the " +
      "same again is taken once, and newer prices hold where they overlap, for sessions that have not ended. The answer " +
      "on `res/{client}/{id}` has status `granted` and what was taken, or `error`. `POST /api/v1/prices` takes `data`.",
    schema: PricesMessage,
    examples: [
      {
        id: "p1",
        data: {
          series: "spot-se3",
          points: [
            { from: "2026-12-01T00:00:00+01:00", to: "2026-12-01T00:15:00+01:00", price: "0.4321" },
            { from: "2026-12-01T00:15:00+01:00", to: "2026-12-01T00:30:00+01:00", price: "0.4298" },
          ],
        },
      },
    ],
  },
  {
    name: "grid-order-request",
    topic: "req/{client}/grid-order",
    what:
      "Let a circuit draw less for a time: a `cap` in kW, `dimming` by § 14a EnWG, or a `stop` of charging. It needs an " +
      "end within 24 h. The lowest of all orders holds, so a flow can lower and never raise; the same id again replaces " +
      "the flow's own order (`data.order` names one that outlives the message's id). The answer on `res/{client}/{id}` has " +
      "status `granted`, `clamped` when another order leaves the circuit less (`in_force_w`), or `error`.",
    schema: GridOrderMessage,
    examples: [
      { id: "g1", valid_for_s: 3600, data: { kind: "cap", circuit: "main", kw: 40 } },
      { id: "g2", valid_until: "2026-12-01T18:00:00Z", data: { order: "peak", kind: "dimming" } },
    ],
  },
  {
    name: "depart-request",
    topic: "req/{client}/depart",
    what:
      "Which vehicle, or whoever is plugged in at an `evse`, leaves when and with how much; or ids to take back in " +
      "`remove`. `depart` has its offset, or is a time on the site's clocks; `06:30` is the next one. Energy is counted " +
      "from plug-in. Taken whole or denied with the reason; the same again is taken once, and the same `id` replaces. " +
      "Departures end by themselves when they pass. The answer on `res/{client}/{id}` has status `granted`, `clamped` " +
      "(with `notes`), `denied` or `error`. `POST /api/v1/departures` takes `data`, and `timetable` beside it: see " +
      "[departures.md](departures.md).",
    schema: DepartMessage,
    examples: [
      {
        id: "d1",
        data: {
          departures: [
            { vehicle: "bus-14", depart: "2026-11-26T06:30:00+01:00", energy_kwh: 120.5, class: "line" },
            { id: "visit-7", evse: "cp-07/1", depart: "15:00", energy_wh: 20_000 },
          ],
        },
      },
      { id: "d2", data: { remove: ["visit-7"] } },
    ],
  },
  {
    name: "receipt",
    topic: "receipt",
    what:
      "From the cloud, see [Sealed summaries](#sealed-summaries). An acceptance names `gateway`, `epoch`, `seq` and the " +
      "SHA-256 (hex) of the bytes that came; a refusal may do with the last.",
    schema: Receipt,
    examples: [
      { gateway: "c3d2770f2a01569f", epoch: 1, seq: 42, sha256: SHA256, status: "accepted" },
      { sha256: SHA256, status: "rejected", reason: "cannot be opened with our key" },
    ],
  },
];

const RULES = [
  "Root of every topic: `laddport/v1/{site}/`. MQTT 3.1.1. Ids are 1 to 36 of `a-z 0-9 -`; `{evse}` counts from 1, and 0 " +
    "is the station itself.",
  "Publish to `in/` with QoS 1. The PUBACK comes when the message is on disk; until then keep it and send it again " +
    "unchanged, also after a restart.",
  "`(station, boot, seq)` names a message for ever. `boot` is new at each start of the station, `seq` rises by one over " +
    "all its topics. A repetition is recognised; the same number with other content is a `KEY_CONFLICT`.",
  "Units end field names. Registers are whole Wh. Times are RFC 3339 UTC. Unknown fields are ignored; a missing field " +
    "means absent, never 0.",
  "A token stands in `token.uid` and nowhere else: `tx_ref`, `boot`, `reason` and other texts are kept and shown as they " +
    "come.",
  "Each identity reaches only its own topics, and its client id is its user name. A meter is a station that publishes " +
    "`in/{meter}/0/meter`.",
  "MQTT 3.1.1 has no answer that refuses a message: one on another topic, with another QoS or above 64 KiB ends the " +
    "connection. Do not send it again.",
];

const topics = siteTopics("{site}");

/** What a receiver must do, by either way. */
const SUMMARIES = [
  "## Sealed summaries",
  "With `upstream` in the config the gateway delivers its bills sealed, by one of two ways:",
  [
    "- `https:` a POST of the sealed bytes to `upstream.url`, with the headers `laddport-gateway`, `laddport-epoch`, " +
      "`laddport-seq` and `laddport-sha256`; the content type tells the profile. The receipt is the body of the answer: " +
      "2xx, or 4xx with a refusal.",
    `- \`mqtts:\` the sealed bytes with QoS 1 on \`${topics.summary}\` of the cloud's broker; DER (\`cms-1\`) begins with ` +
      `the byte 30, JSON (\`jose-1\`) with a brace. The receipt is a message on \`${topics.receipt}\`.`,
  ].join("\n"),
  "Without a good receipt the same bytes come again, so a summary may come twice: `(gateway, epoch, seq)` tells. `seq` " +
    "has no gaps within an `epoch`; a new epoch begins when a gateway was restored from a backup. With " +
    "`upstream.receipt_cert_file` only signed receipts count " +
    "([schemas/signed-receipt.json](schemas/signed-receipt.json)). [receiving.md](receiving.md) says how to open, check " +
    "and answer them, with an example that runs.",
  "The payload is as [schemas/summary.json](schemas/summary.json) says: the CDRs, whose `cdr_token` is the payer under a " +
    "name that is used towards the cloud only, and, in `signed_records`, the signed meter values that they were billed by, whole, with the public key of the meter: " +
    "`{cdr_id, public_key, values: [{nature, signed_data, reason?}]}`. `signed_data` is null, with the `reason`, when the " +
    "record was erased. They travel sealed only: a record names who charged ([signed-values.md](signed-values.md)).",
];

/** What the gateway tells those who look on. Bodies of events are the log's facts, with `log_offset`. */
const PUBLISHED: readonly [topic: string, retained: string, what: string][] = [
  [
    topics.siteState,
    "yes",
    "Current and limit of the grid connection per line, power, stations online and charging; `meter_stale`: a circuit's meter is silent. `pv_w` (production), `battery_w` (charging is positive) and `battery_soc_pct` where meters of these roles say so.",
  ],
  [
    topics.evseState("{station}", "{evse}" as never),
    "yes",
    "State, limit, measured current and reason of an EVSE.",
  ],
  [
    topics.sessionState("{station}", "{evse}" as never),
    "yes",
    "What the open session there costs so far, at most every 10 s: `{session_id, station, evse, started, as_of, energy_wh, currency, total_excl_vat, total_incl_vat, lines_so_far, lines_before?, held?}`, rated as its bill will be. Without a tariff there is energy and no amount. Cleared when the session ends.",
  ],
  [
    topics.planState,
    "yes",
    "What is planned, at most every 5 s: `{source, made_at, solve_ms, failed, peak_kw, vehicles}`. `source` tells where the targets come from: `plan`, `previous` (an older plan: the newest is late or failed), `laxity` (no plan), null (vehicles share alike). Of each vehicle plugged in (which one it is and when it leaves, tells `GET /api/v1/plan`): `evse`, `class`, `wanted_kwh` and `wanted_expected_kwh`, `delivered_kwh`, `forecast_kwh` and `missing_kwh` of the stay at departure, `target_a`, `cap_a` (no more than this although there is room: energy is cheaper later), `urgent`, `bound_by`.",
  ],
  [
    topics.readinessState,
    "yes",
    "Who will be ready at departure, at most every 5 s: `{counts, vehicles}`. Of each vehicle plugged in: `state` (`ready`, `on_track`, `at_risk`, `impossible`: not even at full rate from now on, `guest`: nobody knows when it leaves), `wanted_kwh` and `wanted_is_said` (else learnt; who stopped drawing by itself wants no more), `delivered_kwh`, `forecast_kwh` at departure, `missing_kwh` by the plan and `impossible_kwh` at full rate, and `causes` as `{code, detail}`, the weightiest first. Which vehicle it is and when it leaves, tells `GET /api/v1/readiness`.",
  ],
  ...(["started", "ended", "rated", "held"] as const).map((what): [string, string, string] => [
    topics.sessionEvent(what),
    "no",
    `A session was ${what}. Without personal data.`,
  ]),
  [topics.alertEvent("raised"), "no", "Something a person may have to act on."],
  [topics.alertEvent("cleared"), "no", "It is over, with its duration."],
  [topics.info, "yes", "Version and site."],
  [topics.health, "yes", "Status, lag of each consumer, and `next_by`: when the next one is due."],
  [
    topics.request("{client}", "{verb}"),
    "no",
    "A request of flows or the command line: `{id, valid_until, data}`.",
  ],
  [
    topics.response("{client}", "{id}"),
    "no",
    "Its answer: `{id, status, error, data}`; for a limit `data` is `{limit_a, valid_until, valid_for_s, reason}`, where `valid_for_s` counts from receipt.",
  ],
];

export function topicsPage(): string {
  const parts = [
    "# MQTT topics, contract v1",
    RULES.map((rule) => `- ${rule}`).join("\n"),
    "Schemas (JSON Schema 2020-12) are in [schemas/](schemas/).",
    ...MESSAGES.flatMap(messageParts),
    ...SUMMARIES,
    "## Other topics",
    [
      "| Topic | Retained | |",
      "|---|---|---|",
      ...PUBLISHED.map(([topic, retained, what]) => `| \`${topic}\` | ${retained} | ${what} |`),
    ].join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}

interface Field {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  items?: Field;
  maxItems?: number;
  anyOf?: Field[];
  properties?: Record<string, Field>;
  required?: string[];
}

function messageParts(message: MessageDoc): string[] {
  const schema = z.toJSONSchema(message.schema, { io: "input" }) as Field;
  return [
    `## ${message.topic}`,
    `${message.what} [Schema](schemas/${message.name}.json)`,
    ["| Field | Value | |", "|---|---|---|", ...fieldRows(schema, "")].join("\n"),
    ...message.examples.map((example) => `\`\`\`json\n${JSON.stringify(example)}\n\`\`\``),
  ];
}

function fieldRows(schema: Field, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const need = schema.required?.includes(key) ? "required" : defaultWords(field);
    return [
      `| \`${prefix}${key}\` | ${fieldWords(field)} | ${need} |`,
      ...fieldRows(field, `${prefix}${key}.`),
      ...(field.items ? fieldRows(field.items, `${prefix}${key}[].`) : []),
    ];
  });
}

const defaultWords = (field: Field) => (field.default === undefined ? "" : `default \`${field.default}\``);

function fieldWords(field: Field): string {
  if (field.const !== undefined) return `\`${field.const}\``;
  if (field.enum) return field.enum.map((v) => `\`${v}\``).join(", ");
  if (field.items?.properties) return "list of groups";
  if (field.anyOf) return [...new Set(field.anyOf.map(fieldWords))].join(" or ");
  if (field.items && field.maxItems !== 3) return `list of ${fieldWords(field.items)}`;
  if (field.items) return `1 to 3 of ${fieldWords(field.items)}, L1 first`;
  if (Array.isArray(field.type)) return field.type.map((type) => fieldWords({ type })).join(" or ");
  return (
    { string: "text", integer: "whole number", number: "number", boolean: "true, false" }[field.type ?? ""] ??
    "group"
  );
}
