/** The data map beside the log's events: tables, measurements, topics and files. */
import {
  alert,
  type DataEntry,
  entry,
  own,
  type Reader,
  sample,
  state,
  summary,
  transaction,
  WHY,
} from "./data-map-entry.ts";

/** Tables of `subjects.db`, the sealed subject store. */
export const SUBJECT_TABLES: Readonly<Record<string, DataEntry>> = {
  subject: entry(
    [
      "The token of a person, encrypted under a key of their own, and the pseudonym that the log knows.",
      "En persons bricka, krypterad med en egen nyckel, och pseudonymen som loggen känner till.",
    ],
    "who",
    "sealed",
    "subject",
    "privacy",
  ),
  day_key: entry(
    ["Keys of days, for what belongs to nobody known.", "Dagsnycklar, för det som inte hör till någon känd."],
    "run",
    "sealed",
    "quarantine",
    "gateway",
  ),
  sealed: entry(
    [
      "Bytes that may name a person: signed meter values, refused messages. Encrypted under the person's key or the day's.",
      "Data som kan namnge en person: signerade mätvärden, avvisade meddelanden. Krypterat med personens eller dagens nyckel.",
    ],
    "bill",
    "sealed",
    "subject",
    "privacy",
    "cloud",
  ),
  known_token: entry(
    [
      "Who may charge: keyed hashes of tokens, cost centre, vehicle.",
      "Vem som får ladda: nycklade kontrollsummor av brickor, kostnadsställe, fordon.",
    ],
    "who",
    "pseudonym",
    "list",
    "gateway",
  ),
  legal_hold: entry(
    [
      "That a subject must not be erased, who said so and why.",
      "Att en persons uppgifter inte får raderas, vem som bestämt det och varför.",
    ],
    "account",
    "pseudonym",
    "subject",
    "privacy",
  ),
  meta: own,
};

/** Tables of `log.db`. Facts and samples are told by type, in `EVENTS`. */
export const LOG_TABLES: Readonly<Record<string, DataEntry>> = {
  meta: own,
  fact: { ...own, what: { en: "Facts: see events.", sv: "Fakta: se händelser." }, personal: "pseudonym" },
  sample: { ...sample, what: { en: "Samples: see events.", sv: "Mätvärden: se händelser." } },
  sample_minute: entry(
    ["One value a minute of each EVSE.", "Ett värde i minuten för varje uttag."],
    "run",
    "none",
    "series",
    "operator",
  ),
  attachment: entry(
    [
      "Sealed summaries, which only their recipients can open.",
      "Förseglade sammanställningar som bara mottagarna kan öppna.",
    ],
    "bill",
    "sealed",
    "summaries",
    "cloud",
  ),
  cursor: own,
  fold: { ...own, kept: "state" },
  fold_part: entry(
    [
      "Sessions in progress and the last ended ones of each EVSE.",
      "Pågående laddningar och de senast avslutade för varje uttag.",
    ],
    "bill",
    "pseudonym",
    "state",
    "gateway",
  ),
};

const series = entry(
  [
    "Power, energy and states of an EVSE or a meter.",
    "Effekt, energi och lägen för ett uttag eller en mätare.",
  ],
  "run",
  "none",
  "influx",
  "operator",
);

/** Measurements in InfluxDB. */
export const MEASUREMENTS: Readonly<Record<string, DataEntry>> = {
  evse: series,
  evse_state: series,
  site_power: series,
  session_end: {
    ...series,
    what: {
      en: "Energy and times of a session that ended: no token_ref, no id.",
      sv: "Energi och tider för en avslutad laddning: ingen token_ref, inget id.",
    },
  },
  allocator: series,
  price: series,
  gateway: { ...series, what: own.what },
};

const live = (base: DataEntry, ...readers: Reader[]): DataEntry => ({ ...base, kept: "moment", readers });

/** MQTT topics below `laddport/v1/{site}/`. */
export const TOPICS: Readonly<Record<string, DataEntry>> = {
  "in/{station}/hello": live(state, "gateway"),
  "in/{station}/{evse}/meter": live(sample, "gateway"),
  "in/{station}/{evse}/status": live(state, "gateway"),
  "in/{station}/{evse}/limit": live(sample, "gateway"),
  "in/{station}/{evse}/tx": live(
    {
      ...transaction,
      personal: "sealed",
      what: {
        en: "A transaction with the token: it ends at the gateway's door.",
        sv: "En transaktion med brickan: den stannar vid gatewayens dörr.",
      },
    },
    "gateway",
  ),
  "in/{station}/{evse}/authorize": live(
    {
      ...transaction,
      personal: "sealed",
      why: WHY.who,
      what: {
        en: "A token that asks to charge: it ends at the gateway's door.",
        sv: "En bricka som vill ladda: den stannar vid gatewayens dörr.",
      },
    },
    "gateway",
  ),
  "out/{station}/{evse}/limit": live(sample, "stations"),
  "out/{station}/{evse}/authorization": live({ ...state, why: WHY.who }, "stations"),
  "out/{station}/{evse}/cmd": live(sample, "stations"),
  "out/{station}/rejected": live(state, "stations"),
  "state/site": live(sample, "operator", "flows"),
  "state/evse/{station}/{evse}": live(state, "operator", "flows"),
  "state/plan": live(
    {
      ...state,
      what: {
        en: "What is planned for whoever is plugged in at an EVSE: departure as said and as expected, energy, target.",
        sv: "Vad som planeras för den som är inkopplad vid ett uttag: avgång som sagd och som väntad, energi, mål.",
      },
    },
    "operator",
    "flows",
  ),
  "state/readiness": live(
    {
      ...state,
      what: {
        en: "Whether each vehicle plugged in will be ready when it leaves: departure, energy, what is in the way.",
        sv: "Om varje inkopplat fordon blir klart till sin avgång: avgång, energi, vad som är i vägen.",
      },
    },
    "operator",
    "flows",
  ),
  "state/session/{station}/{evse}": live(
    {
      ...state,
      what: {
        en: "The session in progress at an EVSE, its energy and cost: no token_ref.",
        sv: "Pågående laddning vid ett uttag, dess energi och kostnad: ingen token_ref.",
      },
    },
    "operator",
    "flows",
  ),
  "event/session/{what}": live(
    {
      ...state,
      what: {
        en: "That a session began, ended or was rated: no token_ref.",
        sv: "Att en laddning börjat, slutat eller prissatts: ingen token_ref.",
      },
    },
    "flows",
  ),
  "event/alert/{what}": live(alert, "operator", "flows"),
  "req/{client}/{verb}": live(sample, "gateway"),
  "res/{client}/{id}": live(sample, "flows"),
  summary: live(LOG_TABLES.attachment as DataEntry, "cloud"),
  receipt: live(summary, "gateway"),
  "sys/info": live(own, "operator", "flows"),
  "sys/health": live(own, "operator", "flows"),
};

/** Files beside the databases, and what the gateway writes elsewhere. */
export const FILES: Readonly<Record<string, DataEntry>> = {
  "laddport.yaml": { ...own, why: WHY.run, kept: "config", readers: ["admin"] },
  "secrets/": { ...own, why: WHY.run, kept: "config", readers: ["admin"] },
  "access/": entry(
    [
      "Names and roles of users and tokens; passwords and tokens as hashes.",
      "Namn och roller för användare och åtkomstnycklar; lösenord och nycklar som hash.",
    ],
    "run",
    "staff",
    "config",
    "admin",
  ),
  "log.mark, signer.pem, gateway.json, lock.db": own,
  "erasures.jsonl": entry(
    [
      "The erasure journal: who was erased under a keyed name, when, by whom and why.",
      "Raderingsjournalen: vem som raderats under ett nycklat namn, när, av vem och varför.",
    ],
    "account",
    "staff",
    "log",
    "privacy",
  ),
  "flows/": entry(
    [
      "Flows of the integrator and what they remember: the gateway gives them no token and no token_ref.",
      "Integratörens flöden och vad de minns: gatewayen ger dem varken bricka eller token_ref.",
    ],
    "control",
    "none",
    "config",
    "flows",
    "admin",
  ),
  "stdout (journald, container log)": entry(
    [
      "The program log. Tokens and pseudonyms are taken out before it is written.",
      "Programloggen. Brickor och pseudonymer tas bort innan den skrivs.",
    ],
    "run",
    "none",
    "program_log",
    "admin",
  ),
};
