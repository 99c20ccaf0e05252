/** The command line: data on stdout, talk on stderr, exit 0, 1, 2 (usage), 3 (other rules), 78 (config). */
import { Command, CommanderError, Option } from "commander";
import { auditCommand } from "./cli/audit-command.ts";
import { cdrCommand } from "./cli/cdr-command.ts";
import { creditCommand, holdCommand } from "./cli/cdr-hold-command.ts";
import { demoCommand } from "./cli/demo-command.ts";
import { departuresCommand, vehiclesCommand } from "./cli/departures-command.ts";
import { endWithReader, failureOf } from "./cli/failure.ts";
import { gridCommand } from "./cli/grid-command.ts";
import { meterKeysCommand } from "./cli/meter-keys-command.ts";
import { metersCommand } from "./cli/meters-command.ts";
import { type CommandIo, EXIT } from "./cli/output.ts";
import { pkiCommand } from "./cli/pki-command.ts";
import type { ReceiptOptions } from "./cli/receipt.ts";
import type { RestoreOptions } from "./cli/restore.ts";
import { subjectCommand } from "./cli/subject-command.ts";
import { summaryCommand } from "./cli/summary-command.ts";
import { userCommand } from "./cli/user-command.ts";
import type { WhyOptions } from "./cli/why.ts";
import { VERSION } from "./gateway/version.ts";
import { REPORT_BYS } from "./rules/report-by.ts";

const io: CommandIo = { stdout: process.stdout, stderr: process.stderr };
endWithReader(process.stdout, process.stderr);
const whole = (text: string): number => {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0)
    throw new CommanderError(EXIT.usage, "usage", `"${text}" is not a whole number`);
  return n;
};

const program = new Command("laddport")
  .description("On-site edge gateway for EV fleet depots.")
  .version(VERSION)
  .exitOverride()
  .showHelpAfterError("Run with --help to see the options.")
  .configureOutput({ writeErr: (text) => void process.stderr.write(text) });

/** Loads a command when it is asked for, runs it and makes its answer the exit code. */
function does<Options>(load: () => Promise<(options: Options, io: CommandIo) => Promise<number>>) {
  return async (options: Options) => {
    const work = await load();
    process.exitCode = await work(options, io);
  };
}

const config = () => new Option("--config <file>", "the config").default("laddport.yaml");
const data = () => new Option("--data <dir>", "the data directory").default("data");
const reason = () => new Option("--reason <text>", "why you look: it stays in the audit trail");
const json = () => new Option("--json", "machine-readable output");
/** An option that may be given more than once. */
const several = (text: string, before: string[] = []) => [...before, text];
const lang = (what = "of the document") => new Option("--lang <language>", what).choices(["sv", "en"]);

program
  .command("init")
  .description("write a commented config with its own secrets")
  .requiredOption("--dir <dir>", "where to write it")
  .option("--demo", "a depot whose stations cp-001 to cp-500 exist, on plain MQTT at 127.0.0.1")
  .addOption(new Option("--ports <how>", "choose free ports").choices(["auto"]))
  .addOption(json())
  .action(does(async () => (await import("./cli/init.ts")).init));
program
  .command("check")
  .description("show every fault of a config, or what it amounts to")
  .addOption(config())
  .option("--data <dir>", "the data directory")
  .option("--explain", "show where each value comes from")
  .addOption(json())
  .action(does(async () => (await import("./cli/check.ts")).check));
program
  .command("run")
  .description("run the gateway")
  .addOption(config())
  .addOption(data())
  .action(does(async () => (await import("./cli/run.ts")).run));
program.addCommand(demoCommand(io));
program
  .command("status")
  .description("how the running gateway is")
  .addOption(config())
  .option("--quiet", "exit code only: 0 when it serves")
  .addOption(json())
  .action(does(async () => (await import("./cli/status.ts")).status));
program
  .command("plan")
  .description("who charges when by the plan, and with how much each will leave")
  .addOption(config())
  .addOption(data())
  .addOption(json())
  .action(does(async () => (await import("./cli/plan.ts")).plan));
program
  .command("readiness")
  .description("who will be ready at departure, who will not and why")
  .addOption(config())
  .addOption(data())
  .addOption(json())
  .action(does(async () => (await import("./cli/readiness.ts")).readiness));
program
  .command("doctor")
  .description("check this machine and the data directory")
  .addOption(config())
  .addOption(data())
  .addOption(json())
  .action(does(async () => (await import("./cli/doctor.ts")).doctor));

program
  .command("why")
  .description("why an EVSE may draw what it may, now or then: of a station, EVSE (cp-01/2) or vehicle")
  .argument("<what>")
  .option("--at <time>", "RFC 3339, or on the site's clock: 2026-11-25 14:05, 14:05")
  .option("--from <time>", "how long each reason held from then on")
  .option("--to <time>", "until when, with --from (default: now)")
  .addOption(lang("of the answer (default: of the site)"))
  .option("--config <file>", "the config (default: laddport.yaml if there is one)")
  .addOption(data())
  .addOption(json())
  .action(async (what: string, options: Omit<WhyOptions, "what">) => {
    const { why } = await import("./cli/why.ts");
    process.exitCode = await why({ ...options, what }, io);
  });

program.addCommand(pkiCommand(io));

const log = program.command("log").description("read and prove the log");
log
  .command("tail")
  .description("events in order, beside a running gateway or on a stopped one's files")
  .addOption(data())
  .option("--from <offset>", "events after this offset", whole, 0)
  .option("--type <types...>", "only these types")
  .option("--follow", "wait for more")
  .addOption(json())
  .action(does(async () => (await import("./cli/log.ts")).logTail));
log
  .command("verify")
  .description("prove both hash chains and the signed high-water mark")
  .addOption(data())
  .option("--signer <cert>", "certificate of the gateway, PEM (default: the one in the data directory)")
  .addOption(json())
  .action(does(async () => (await import("./cli/log.ts")).logVerify));

const sessions = program.command("sessions").description("charging sessions");
sessions
  .command("list")
  .description("newest first")
  .addOption(data())
  .option("--limit <n>", "how many", whole, 20)
  .addOption(json())
  .action(does(async () => (await import("./cli/sessions.ts")).sessionsList));
sessions
  .command("show")
  .description("one session with its bill")
  .argument("<id>")
  .addOption(reason())
  .addOption(data())
  .addOption(json())
  .action(async (id: string, options: { data: string; reason?: string; json?: boolean }) => {
    const { sessionsShow } = await import("./cli/sessions.ts");
    process.exitCode = await sessionsShow({ ...options, id }, io);
  });

program.addCommand(auditCommand(io));
program
  .command("privacy")
  .description("personal data")
  .command("map")
  .description("what is stored where, why, for how long, and who reads it")
  .option("--config <file>", "the config: its clocks (default: laddport.yaml if there is one)")
  .addOption(new Option("--lang <language>", "of the text").choices(["sv", "en"]))
  .addOption(json())
  .action(does(async () => (await import("./cli/privacy.ts")).privacyMap));
program.addCommand(cdrCommand(io).addCommand(holdCommand(io)).addCommand(creditCommand(io)));

program.addCommand(meterKeysCommand(io));
program.addCommand(metersCommand(io));

program
  .command("report")
  .description("energy, use, interruptions and cost of a stretch of days")
  .requiredOption("--from <date>", "first day, or a month: 2026-03-01, 2026-03")
  .option("--to <date>", "last day, inclusive (default: the last one in the log)")
  .addOption(new Option("--by <what>", "a row each").choices(REPORT_BYS).default("day"))
  .addOption(data())
  .option("--config <file>", "the config: its time zone and EVSEs (default: laddport.yaml if there is one)")
  .option("--csv <file>", "write it for a spreadsheet, too")
  .option("--html <file>", "write it as a page with plots, too")
  .addOption(lang("of the page (default: of the site)"))
  .addOption(json())
  .action(does(async () => (await import("./cli/report.ts")).report));

program
  .command("rate")
  .description("price an OCPI session by a tariff")
  .requiredOption("--tariff <file>", "OCPI Tariff (2.2.1 or 2.3.0), JSON")
  .requiredOption("--session <file>", "time zone, start, end and charging periods, JSON")
  .addOption(json())
  .action(does(async () => (await import("./cli/rate.ts")).rateFiles));

program
  .command("simulate")
  .description("a depot's sessions under the rules of production: what if?")
  .requiredOption("--instance <file>", "circuits, connectors and sessions, JSON (depot-instance/1)")
  .option("--trace <file>", "write what each session drew, JSON (depot-trace/1)")
  .option("--estimates", "know drivers' estimates instead of the truth")
  .option("--min-current", "connectors give 0 or at least their minimum")
  .addOption(
    new Option("--policy <which>", "plan, or the fast layer alone").choices(["plan", "fair"]).default("plan"),
  )
  .option(
    "--limit <circuit=limit>",
    "what if: another limit, main=400 (A), main=400/400/350 or main=250kW",
    several,
  )
  .option(
    "--more <count>",
    "what if: so many more vehicles, 12 or 12:CONNECTOR for such as come to that one",
    several,
  )
  .option("--html <file>", "write a page: load against limits, who was ready, cost")
  .addOption(lang("of the page"))
  .addOption(json())
  .action(does(async () => (await import("./cli/simulate.ts")).simulate));

program
  .command("allocate")
  .description("what each connector of a depot gets at one instant, and what binds it")
  .requiredOption("--snapshot <file>", "circuits and connectors, JSON (laddport-snapshot/1)")
  .addOption(json())
  .action(does(async () => (await import("./cli/allocate.ts")).allocateSnapshot));

program
  .command("receipt")
  .description("a bill as HTML (on stdout unless a file is named) or tagged PDF")
  .argument("<id>", "of the bill or its session")
  .addOption(lang())
  .option("--html <file>", "write HTML")
  .option("--pdf <file>", "write PDF")
  .addOption(reason())
  .addOption(data())
  .option("--config <file>", "who issues it (default: laddport.yaml, if there is one)")
  .action(async (id: string, options: Omit<ReceiptOptions, "id">) => {
    const { receipt } = await import("./cli/receipt.ts");
    process.exitCode = await receipt({ ...options, id }, io);
  });
program
  .command("statement")
  .description("all bills and credits of a month")
  .requiredOption("--month <month>", "in which the sessions ended, such as 2026-11")
  .option("--group <id>", "of one token group")
  .option("--token-ref <ref>", "of one token, by its pseudonym")
  .addOption(lang())
  .option("--html <file>", "write HTML")
  .option("--pdf <file>", "write PDF")
  .option("--csv <file>", "write a table for bookkeeping")
  .option("--csv-bom", "begin the CSV with a byte order mark")
  .addOption(reason())
  .addOption(data())
  .option("--config <file>", "who issues it (default: laddport.yaml, if there is one)")
  .addOption(json())
  .action(does(async () => (await import("./cli/statement.ts")).statement));

program.addCommand(summaryCommand(io));

const prices = program.command("prices").description("prices that change with time");
prices
  .command("import")
  .description("give the running gateway prices: CSV from,to,price or start,price, or a JSON list, per kWh")
  .argument("<file>")
  .requiredOption("--series <id>", "the series, as price_source of a tariff names it")
  .option("--currency <code>", "refuse unless it is the site's")
  .addOption(config())
  .addOption(json())
  .action(
    async (file: string, options: { series: string; currency?: string; config: string; json?: boolean }) => {
      const { pricesImport } = await import("./cli/prices.ts");
      process.exitCode = await pricesImport({ ...options, file }, io);
    },
  );
prices
  .command("list")
  .description("the prices in the log, with what is missing between them")
  .option("--series <id>", "only this one")
  .addOption(data())
  .addOption(json())
  .action(does(async () => (await import("./cli/prices.ts")).pricesList));

program.addCommand(departuresCommand(io));
program.addCommand(vehiclesCommand(io));

program
  .command("ocmf")
  .description("signed meter values (OCMF)")
  .command("verify")
  .description("check signatures, and whether the energy may be billed")
  .argument("<file>", "records, OCPP JSON, or an XML container of the transparency software")
  .option("--key <key>", "public key, hex or base64, or a file that holds it (default: the one in the file)")
  .option("--lenient", "also take signatures as r and s, or in DER that is not canonical")
  .option("--xml <out>", "write the container that the transparency software reads")
  .addOption(json())
  .action(
    async (file: string, options: { key?: string; lenient?: boolean; xml?: string; json?: boolean }) => {
      const { ocmfVerify } = await import("./cli/ocmf.ts");
      process.exitCode = await ocmfVerify({ ...options, file }, io);
    },
  );

program
  .command("tokens")
  .description("who may charge")
  .command("import")
  .description("replace the list of known tokens: CSV uid,type,status,valid_until,group,vehicle")
  .argument("<file>")
  .addOption(config())
  .addOption(data())
  .action(async (file: string, options: { config: string; data: string }) => {
    const { tokensImport } = await import("./cli/tokens.ts");
    process.exitCode = await tokensImport({ ...options, file }, io);
  });
program.addCommand(gridCommand(io));
program.addCommand(userCommand(io));

program.addCommand(subjectCommand(io));

program
  .command("backup")
  .description("the log and the subjects in one sealed file, also while the gateway runs")
  .requiredOption("--out <file>", "where to write it; it is never overwritten")
  .option("--recipient <cert...>", "who may open it: certificates, PEM (default: whoever has the KEK)")
  .addOption(config())
  .addOption(data())
  .addOption(json())
  .action(does(async () => (await import("./cli/backup.ts")).backup));
program
  .command("restore")
  .description("make a data directory of a backup; a new epoch begins, erasures are done again")
  .argument("<file>")
  .requiredOption("--data <dir>", "the new data directory, empty or not there")
  .option("--key <file>", "private key of a recipient, PEM (default: the config's KEK)")
  .option("--erasures <file>", "a newer erasures.jsonl, saved from the lost machine")
  .addOption(config())
  .addOption(json())
  .action(async (file: string, options: Omit<RestoreOptions, "file">) => {
    const { restore } = await import("./cli/restore.ts");
    process.exitCode = await restore({ ...options, file }, io);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    const { text, exit } = failureOf(error);
    io.stderr.write(text);
    process.exitCode = exit;
  }
}
