/** docs/privacy.md: the data map, the clocks of retention, the audit trail, and templates that a site completes. */
import { type DataRow, privacyRows } from "../src/gateway/privacy-map.ts";
import { AUDIT_TYPES } from "../src/rules/audit-line.ts";
import { DEFAULT_FIGURES } from "../src/rules/data-kept.ts";

export function privacyPage(): string {
  const rows = privacyRows(DEFAULT_FIGURES, "en");
  const map = [...new Set(rows.map(({ store }) => store))].flatMap((store) => [
    `### ${HEADINGS[store]}`,
    tableOf(rows.filter((row) => row.store === store)),
  ]);
  return `${[INTRO, RETENTION, "## Data map", MAP_INTRO, ...map, AUDIT, RECORD, DPIA].join("\n\n")}\n`;
}

const HEADINGS: Record<DataRow["store"], string> = {
  "log event": "Events of the log (`log.db`)",
  "subject store": "Sealed subject store (`subjects.db`)",
  "log table": "Tables of the log",
  InfluxDB: "InfluxDB measurements",
  "MQTT topic": "MQTT topics",
  file: "Files and the program log",
};

function tableOf(rows: readonly DataRow[]): string {
  const lines = rows.map(
    ({ name, what, why, personal, kept, readers }) =>
      `| \`${name}\` | ${what} | ${why} | ${personal} | ${kept} | ${readers.join(", ")} |`,
  );
  return [
    "| name | what | why | personal | kept | read by |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

const INTRO = `# Privacy

Personal data ends at the door: a token becomes a random pseudonym (\`token_ref\`) before anything is logged, and what may name a person lies sealed under a key of their own. A pseudonym is still personal data (EDPB Guidelines 01/2025), so this page says where it goes.

| command | what it does |
| --- | --- |
| \`laddport privacy map [--json] [--lang sv\\|en]\` | the data map below with the clocks of your config |
| \`laddport audit list [--from --to --actor --action --json]\` | who did what, when and why |
| \`laddport audit verify\` | proves the chain that the trail lies in; exit 1 names the first bad row |
| \`laddport audit export --from --to --out breach.zip\` | all that a report of a breach needs, within the 72 hours of GDPR article 33 |

\`GET /api/v1/audit?from=&to=&actor=&action=&after=&limit=\` (permission \`privacy\`) answers \`{entries, more}\`, oldest first; the \`offset\` of the last entry is the next \`after\`.`;

const RETENTION = `## Retention

The gateway enforces these clocks itself, in slices between its commits.

| clock | config | default | what happens |
| --- | --- | --- | --- |
| raw samples | \`retention.raw_days\` | 14 days; earlier from 80 % of the disk on | reduced to one value a minute |
| raw transactions, decisions about tokens | \`retention.event_days\` | 90 days | bodies emptied |
| minutes, states, connections, alerts | \`retention.series_months\` | 25 months | minutes deleted, bodies emptied |
| sessions, bills, decisions about them | \`retention.books_years\`, \`retention.fiscal_year_end\` | by \`site.country\`, below | bodies emptied |
| audit trail | \`retention.audit_months\` | 24 months | bodies emptied |
| refused messages, day keys | \`retention.quarantine_days\` | 30 days | key and bytes destroyed |
| program log | outside of the gateway | 14 days | see below |

Bookkeeping law, until the end of the calendar year:

| country | years | ground |
| --- | --- | --- |
| SE | 7 after the calendar year in which the fiscal year ended | bokföringslagen (1999:1078) 7 kap. 2 § |
| DE | 8 (vouchers, since 2025); set \`books_years: 10\` where a bill is part of the books | § 147 (3) AO |
| others | 10 | the longest that is known here; set what your law says |

**Emptied, not deleted.** Facts form a hash chain in which a row covers the hash of its body. Retention takes the body and leaves the row: time, type, station and hashes. A fact \`facts.emptied {through, kinds, count}\` says so before it happens; \`laddport log verify\` still passes, and a body that is gone without such a fact is damage. What was in the body is overwritten in the file. Commands that need it answer "expired".

**Kept longer.** What a legal hold covers keeps its bodies until the hold ends. Bills that are not sealed for the cloud yet stay, and unsent summaries are never shed.

**The program log** goes to stdout. With systemd set \`MaxRetentionSec=14day\` in a journald namespace of the unit (\`LogNamespace=laddport\`, \`/etc/systemd/journald@laddport.conf\`); with Docker let the log driver rotate, such as \`--log-opt max-size=10m --log-opt max-file=5\`, or ship to a collector that deletes after 14 days.`;

const MAP_INTRO =
  "`personal`: none; pseudonym: a random `token_ref`, or what leads to one; sealed: under a key that erasure or its day destroys; staff: names of those who work with the gateway.";

const AUDIT = `## Audit trail

An entry is a fact \`audit.recorded {actor, action, object, reason, detail}\` in the hash chain of the log, durable before what it tells of is shown or answered. Actors are users, \`gateway\`, \`flows\`, and \`cli:{user of the operating system}\` for a command that works on the files. A command that asks the running gateway is the API's user \`api\`, with \`detail.os_user\`.

| what | actions |
| --- | --- |
| reads of personal data | \`session.read\`, \`cdr.read\`, \`receipt.read\`, \`statement.read\`, \`log.read\`, \`audit.read\`, \`audit.exported\` |
| config that a start adopts | \`config.adopted\`: hash, and names of the top-level keys that changed; never values |
| changes of who may charge | \`tokens.imported\` |
| requests about limits | \`limit.requested\`: each of a person, those of flows once in ten minutes a target unless the answer changes |
| facts that are their own record | ${AUDIT_TYPES.filter((type) => type !== "audit.recorded")
  .map((type) => `\`${type}\``)
  .join(", ")} |

Commands write through the API of the running gateway, or, when none runs, to the log itself under its lock, with the same chain and mark. What is read from a copy of a log on another machine nobody can record; the command says so.`;

const RECORD = `## Record of processing (GDPR article 30): template

| | |
| --- | --- |
| controller | name, address, contact, data protection officer |
| processors | receiver of sealed summaries, operator of InfluxDB if it is not yours, maintenance |
| purposes | charging and load balance; billing; bookkeeping; finding faults; accountability: see *why* in the data map |
| legal bases | contract or legitimate interest (charging), legal obligation (bookkeeping), legitimate interest (security) |
| people | drivers, guests with a token, operators of the depot |
| data | pseudonyms, times, energy, cost centre, vehicle id; tokens sealed. No names, no location but the depot |
| recipients | those under *read by*; the cloud gets sealed summaries only |
| third countries | none by the gateway; say where your receiver is |
| deletion | the clocks above |
| security | AES-256-GCM under keys a person, KEK outside of the databases, hash-chained log, roles, TLS, audit trail, encrypted backups |`;

const DPIA = `## Data protection impact assessment (GDPR article 35): template

Needed where drivers are employees: times of charging show shifts.

1. **Description.** Which depots, how many drivers, tokens personal or of vehicles, who reads what (copy the data map).
2. **Necessity.** Why a pseudonym a token is needed (bills by cost centre?) or whether tokens of vehicles do. Shorten \`retention.event_days\` to what disputes need.
3. **Risks.**

| risk | likelihood, severity | what holds it | what is left |
| --- | --- | --- | --- |
| shifts and breaks are read from charging times | | no dashboards of drivers; series carry EVSE and no person; reads are in the audit trail | |
| a token is linked to a person by its UID | | keyed hashes; UIDs sealed under a key of their own; erasure destroys the key | |
| bills leak on the way | | sealed for named recipients; TLS | |
| the industrial PC is stolen | | KEK outside of the databases (TPM or systemd credential), encrypted backups | |
| a flow collects data | | flows see no token and no token_ref; own user; palette install off | |
| data is kept too long | | the clocks above, proven by tests with a moved clock; legal holds are in the audit trail | |

4. **Views of drivers or their representatives.**
5. **Decision**, date, name; next review.`;
