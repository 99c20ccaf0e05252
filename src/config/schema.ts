/**
 * The config file, section by section, as it is spelt in YAML. Unknown keys are refused everywhere. Only what has no
 * single right answer is a setting. docs/config.md is generated from this page.
 */
import { z } from "zod";
import { Id } from "../model/ids.ts";
import { SUMMARY_PROFILES } from "../model/summary.ts";
import { Tariff, TariffId } from "../model/tariff.ts";
import { TariffChoiceRule } from "../model/tariff-choice.ts";
import { ClassItem, VehicleItem } from "./fleet-schema.ts";
import { Grid } from "./grid-schema.ts";
import { CircuitItem, MeterItem, StationDefaults, StationItem } from "./installation-schema.ts";
import { Inputs, RegisterMaps } from "./metering.ts";
import { Country, Currency, DayOfYear, FilePath, ListenAddress, TimeZone, urlOf } from "./values.ts";

const Seller = z
  .strictObject({
    name: z.string().min(1).max(120).describe("Of the company."),
    org_no: z.string().min(1).max(40).optional().describe("Registration number."),
    vat_no: z.string().min(1).max(40).optional().describe("VAT number, such as SE556677889901."),
    address: z.string().min(1).max(300).optional().describe("One line or several."),
  })
  .describe("Who sells the energy: on receipts and statements. Without it they say what is missing.");

const Site = z
  .strictObject({
    id: Id.describe("Part of every topic: `laddport/v1/{id}/...`."),
    name: z.string().min(1).max(80).describe("For people."),
    timezone: TimeZone.describe("IANA name; tariffs and receipts follow it through summer time."),
    language: z.enum(["sv", "en"]).default("en").describe("Of pages and receipts."),
    currency: Currency.describe("ISO 4217. All tariffs use it."),
    country: Country.describe("ISO 3166-1 alpha-2."),
    seller: Seller.optional(),
    clock: z
      .enum(["ntp", "trusted"])
      .default("ntp")
      .describe(
        "ntp: the host is asked whether its clock is synchronised, and what is priced by time waits until it is. trusted: you vouch for the host's clock (a container on a synchronised host, a GPS clock).",
      ),
  })
  .describe("The depot.");

const Mqtt = z
  .strictObject({
    tcp: ListenAddress.optional().describe("Plain MQTT. Node-RED uses it, so keep it on 127.0.0.1."),
    isolated_network: z
      .boolean()
      .default(false)
      .describe(
        "You vouch that nobody else is on the network of the stations: tcp and ws may listen on other addresses than 127.0.0.1.",
      ),
    tls: z
      .strictObject({
        listen: ListenAddress,
        cert_file: FilePath,
        key_file: FilePath,
        client_ca_file: FilePath.optional().describe(
          "Accept client certificates that this CA issued; several while one takes over from another.",
        ),
        crl_file: FilePath.optional().describe(
          "Revocation lists of that CA, as `laddport pki revoke` writes them. Read again when it changes.",
        ),
        require_client_cert: z
          .boolean()
          .default(false)
          .describe("Refuse at the handshake who shows no certificate; else a password will do."),
      })
      .optional()
      .describe("MQTT over TLS, for stations."),
    ws: ListenAddress.optional().describe("MQTT over WebSocket."),
    credentials_file: FilePath.describe(
      "One `user:role:scrypt$N$r$p$salt$hash` line for each identity (salt and hash in base64url). Roles: `station` (meters too), `flows`, `wall`, `bridge`, `cli`.",
    ),
  })
  .describe("The broker that stations connect to: at least one of tcp, tls, ws.");

const Api = z
  .strictObject({
    listen: ListenAddress.prefault("127.0.0.1:8080"),
    token_file: FilePath.describe(
      "Bearer token of `/api`: user `api`, role `admin`. The commands of this machine use it.",
    ),
    tls: z
      .strictObject({ cert_file: FilePath, key_file: FilePath })
      .optional()
      .describe("HTTPS. Needed beyond 127.0.0.1."),
    hosts: z
      .array(z.string().regex(/^[A-Za-z0-9.-]{1,253}$/))
      .default([])
      .describe(
        "Host names that it answers to beside 127.0.0.1 and localhost, such as that of a proxy in front. On a listener beyond 127.0.0.1 the list is complete when it is not empty.",
      ),
    isolated_network: z
      .boolean()
      .default(false)
      .describe("You vouch that nobody else is on the network of `listen`: plain HTTP is let through there."),
  })
  .describe("HTTP: `/health`, `/metrics`, `/api`.");

/** Strict where the model is lenient: a misspelt limit would be a wrong price. */
const TariffItem = z.strictObject({ ...Tariff.shape, id: TariffId });

const TariffChoiceItem = z.strictObject({
  ...TariffChoiceRule.shape,
  tariff: TariffChoiceRule.shape.tariff.describe("Id of one of `tariffs`."),
  stations: TariffChoiceRule.shape.stations.describe("Any of these stations."),
  evses: TariffChoiceRule.shape.evses.describe("Any of these EVSEs, as `cp-001/2`."),
  groups: TariffChoiceRule.shape.groups.describe(
    "Any of these cost centres, as the token list has them in `group`.",
  ),
  vehicles: TariffChoiceRule.shape.vehicles.describe(
    "Any of these vehicles, as the token list has them in `vehicle`.",
  ),
  from: TariffChoiceRule.shape.from.describe("Sessions that start at or after this time (RFC 3339)."),
  until: TariffChoiceRule.shape.until.describe("Sessions that start before this time."),
});

const Tokens = z
  .strictObject({
    policy: z
      .enum(["free", "known", "deny"])
      .describe("free: whoever plugs in charges. known: tokens of the list. deny: nobody."),
    file: FilePath.optional().describe(
      "The token list, CSV `uid,type,status,valid_until,group,vehicle` (the last two may be left out), read at each start. `group` (cost centre) and `vehicle` are ids that the log, bills and sealed summaries show: never names of people. Without it the list is what `laddport tokens import` set.",
    ),
  })
  .describe("Who may charge.");

const Influx = z
  .strictObject({
    url: urlOf(["http", "https"]),
    mode: z
      .enum(["v2", "v1", "victoria"])
      .default("v2")
      .describe("InfluxDB 2.x, 1.8-style, or VictoriaMetrics."),
    org: z.string().min(1).optional().describe("v2."),
    bucket: z.string().min(1).optional().describe("v2."),
    database: z.string().min(1).optional().describe("v1."),
    token_file: FilePath.optional().describe("v2."),
    username: z.string().min(1).optional().describe("v1 and victoria, when they ask for one."),
    password_file: FilePath.optional(),
    aggregates: z
      .array(
        z.strictObject({
          every: z.enum(["1m", "15m"]),
          into: z.string().min(1).describe("The bucket (v2) or database (v1) that keeps them."),
        }),
      )
      .default([])
      .describe(
        "The same series with one value a minute or quarter of an hour, to be kept for longer. The gateway writes them from its log, so what arrives after an outage is in them too.",
      ),
  })
  .describe("Time series. Without it recent history is served from the log.");

const Upstream = z
  .strictObject({
    url: urlOf(["mqtts", "mqtt", "https", "http"]).describe("Where sealed summaries go."),
    username: z.string().min(1).optional().describe("mqtts."),
    password_file: FilePath.optional().describe("mqtts: the password. https: the bearer token."),
    ca_file: FilePath.optional().describe("When the receiver's CA is not a public one."),
    profile: z
      .enum(SUMMARY_PROFILES)
      .default("cms-1")
      .describe(
        "cms-1: CMS, opened by plain OpenSSL. jose-1: JWS in JWE, for receivers that cannot read it.",
      ),
    recipient_cert_files: z
      .array(FilePath)
      .min(1)
      .describe(
        "Each of them can open every summary. The first is the receiver's, as are those of the same subject: while none of these can be used, bills wait. The others are left out while theirs cannot.",
      ),
    escrow_cert_file: FilePath.optional().describe(
      "Sealed for as well. Its private key is kept offline and opens what a lost key of a recipient cannot.",
    ),
    revoked_certs: z
      .array(z.string().regex(/^[0-9a-f]{64}$/, "write the SHA-256 of the certificate, 64 hex digits"))
      .default([])
      .describe("SHA-256 of certificates (hex, of the DER) that nothing is sealed for any more."),
    receipt_cert_file: FilePath.optional().describe(
      "Certificates that receipts are signed with, one or more. Receipts that none of them signed are not taken. Without it unsigned ones are.",
    ),
    keep_days: z
      .int()
      .min(0)
      .max(3650)
      .default(90)
      .describe("Days after the receipt that the sealed bytes are kept. Their SHA-256 stays."),
    interval_s: z
      .int()
      .min(1)
      .max(86_400)
      .default(900)
      .describe("Longest wait of a CDR before it is sealed."),
    max_cdrs: z
      .int()
      .min(1)
      .max(1000)
      .default(100)
      .describe("A summary is sealed at once when it has this many."),
  })
  .describe("The cloud that receives sealed summaries. Without it none are sealed.");

const Signer = z
  .strictObject({ cert_file: FilePath, key_file: FilePath })
  .describe("What the gateway signs summaries and log checkpoints with.");

const Identity = z
  .strictObject({
    kek_file: FilePath.describe(
      "32 random bytes, base64: wraps the keys of personal data. Mode 0600, or a systemd credential such as /run/credentials/laddport.service/kek.",
    ),
    purposes: z
      .array(z.enum(["soc"]))
      .default([])
      .describe(
        "What else of vehicles is kept because a purpose of yours asks for it: `soc`, the state of charge. Everything else that leads to habits of a person is dropped at the door.",
      ),
  })
  .describe("Personal data.");

const Retention = z
  .strictObject({
    raw_days: z
      .int()
      .min(1)
      .max(3650)
      .default(14)
      .describe(
        "Days of raw samples; past 80 % of the disk the oldest go before that. One-minute aggregates stay.",
      ),
    quarantine_days: z
      .int()
      .min(1)
      .max(90)
      .default(30)
      .describe("Days of refused messages: their bytes lie under a key a day, which is destroyed."),
    event_days: z
      .int()
      .min(60)
      .max(3650)
      .default(90)
      .describe(
        "Days of transactions and decisions about tokens as stations sent them; sessions have what bills need.",
      ),
    series_months: z
      .int()
      .min(1)
      .max(120)
      .default(25)
      .describe("Months of one-minute aggregates, states, connections and alerts."),
    audit_months: z.int().min(6).max(240).default(24).describe("Months of the audit trail."),
    books_years: z
      .int()
      .min(1)
      .max(30)
      .optional()
      .describe(
        "Calendar years of sessions and bills after the one in which their fiscal year ended. By default the law of `site.country`: SE 7 (bokföringslagen 7:2), DE 8 (§ 147 AO, vouchers), others 10.",
      ),
    fiscal_year_end: DayOfYear.default("12-31").describe("Last day of the fiscal year, `MM-DD`."),
  })
  .describe(
    "How long data is kept. What a legal hold covers stays longer, unsent summaries until they are sent. docs/privacy.md lists every kind.",
  );

const Flows = z
  .strictObject({
    enabled: z.boolean().default(true),
    port: z.int().min(0).max(65_535).default(1880).describe("Of the editor, on 127.0.0.1."),
    memory_mb: z.int().min(128).max(8192).default(512),
    password_file: FilePath.describe("MQTT password of the identity `flows`."),
    admin_password_hash_file: FilePath.optional().describe(
      "Hash of the password of the editor's own user `admin`, which opens nothing else. Without it users of the gateway get in alone, with the code of `laddport user editor`.",
    ),
    credential_secret_file: FilePath.describe("Encrypts credentials that flows store."),
  })
  .describe("Node-RED. Without this section there is none.");

const Control = z
  .strictObject({
    lease_s: z
      .int()
      .min(10)
      .max(600)
      .default(60)
      .describe("How long a station keeps its limit without news."),
    start_delay_s: z
      .int()
      .min(0)
      .max(1800)
      .default(30)
      .describe(
        "After a start of the depot each EVSE waits a time of its own, up to this long, before its first raise.",
      ),
    site_ramp_a: z
      .number()
      .min(1)
      .optional()
      .describe("Most that all raises of a second together add on a line of the grid connection."),
  })
  .describe("Load balance.");

const Sessions = z
  .strictObject({
    finishing_min: z
      .int()
      .min(1)
      .max(1440)
      .default(15)
      .describe("A session ends this long after its transaction when nobody unplugs."),
  })
  .describe("Sessions.");

export const ConfigFile = z.strictObject({
  version: z.literal(1).describe("Of this file's form."),
  site: Site,
  grid: Grid.prefault({}),
  circuits: z.array(CircuitItem).min(1).describe("A tree: one circuit, the grid connection, has no parent."),
  meters: z
    .array(MeterItem)
    .default([])
    .describe("Meters, such as the grid meter: stations that publish by MQTT, or polled over Modbus TCP."),
  register_maps: RegisterMaps,
  inputs: Inputs,
  station_defaults: StationDefaults.optional(),
  stations: z.array(StationItem).min(1).describe("Charging stations."),
  mqtt: Mqtt,
  api: Api,
  tariffs: z
    .array(TariffItem)
    .min(1)
    .describe(
      "Tariffs of OCPI 2.2.1 or 2.3.0. The first one applies unless `tariff_choice` chooses another.",
    ),
  tariff_choice: z
    .array(TariffChoiceItem)
    .default([])
    .describe(
      "Which tariff a session gets: the first rule whose conditions all hold, when its tariff is valid as the session starts (`start_date_time`, `end_date_time`); otherwise the first tariff.",
    ),
  tokens: Tokens,
  classes: z
    .array(ClassItem)
    .default([])
    .describe("Priority classes: whose missing energy counts how much when there is not enough for all."),
  vehicles: z.array(VehicleItem).default([]).describe("Vehicles and what is known of them."),
  vehicles_file: FilePath.optional().describe(
    "More of them, CSV `id,class,battery_kwh,ac_phases,ac_max_a,dc_max_kw` (all but `id` may be empty or left out), read at each start.",
  ),
  influx: Influx.optional(),
  upstream: Upstream.optional(),
  signer: Signer,
  identity: Identity,
  retention: Retention.prefault({}),
  flows: Flows.optional(),
  control: Control.prefault({}),
  sessions: Sessions.prefault({}),
});

export type ConfigFile = z.output<typeof ConfigFile>;
