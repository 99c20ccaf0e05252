/** `laddport doctor`: what this machine gives the gateway, measured, and what to do where it falls short. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkConfig, readConfigText } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { configuredEndings } from "../gateway/certificate-watch.ts";
import { askClock, CLOCK_FIX } from "../gateway/clock-sync.ts";
import { assertSqliteVersion } from "../log/schema.ts";
import { expiryStage } from "../rules/certificate-expiry.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface DoctorOptions {
  config: string;
  data: string;
  json?: boolean;
}

type Level = "ok" | "warn" | "fail";
interface Finding {
  what: string;
  level: Level;
  seen: string;
  fix?: string;
}

const SYNCS = 40;

export async function doctor(options: DoctorOptions, io: CommandIo): Promise<number> {
  const findings = [
    node(),
    sqlite(),
    machine(),
    ...dataFindings(options.data),
    isolation(),
    clockFinding(),
    await syncFinding(options.config),
    configFinding(options.config),
    ...certificateFindings(options.config),
  ];
  const failed = findings.some((f) => f.level === "fail");
  if (options.json) io.stdout.write(`${JSON.stringify({ ok: !failed, findings })}\n`);
  else {
    const rows = findings.map((f) => [f.level, f.what, f.seen, f.fix ?? ""]);
    io.stdout.write(`${table([["", "check", "seen", "what to do"], ...rows])}\n`);
  }
  return failed ? EXIT.failed : EXIT.ok;
}

function node(): Finding {
  const good = Number(process.versions.node.split(".")[0]) >= 24;
  return {
    what: "Node.js",
    level: good ? "ok" : "fail",
    seen: process.versions.node,
    ...(good ? {} : { fix: "run it with Node.js 24" }),
  };
}

function sqlite(): Finding {
  const db = new DatabaseSync(":memory:");
  const { v } = db.prepare("SELECT sqlite_version() AS v").get() as { v: string };
  db.close();
  try {
    assertSqliteVersion(v);
    return { what: "SQLite", level: "ok", seen: v };
  } catch (error) {
    return { what: "SQLite", level: "fail", seen: v, fix: (error as Error).message };
  }
}

function machine(): Finding {
  const cores = availableParallelism();
  const gib = totalmem() / 2 ** 30;
  const enough = cores >= 2 && gib >= 2;
  return {
    what: "machine",
    level: enough ? "ok" : "warn",
    seen: `${cores} cores, ${gib.toFixed(1)} GiB`,
    ...(enough ? {} : { fix: "two cores and 2 GiB are what a depot of 100 stations needs" }),
  };
}

/** A data directory that cannot be written is a finding, not the end of the examination. */
function dataFindings(data: string): Finding[] {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    return [disk(data), sync(data)];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fix = "name a folder that this user may write to with --data";
    return [{ what: "disk", level: "fail", seen: `${data} cannot be written (${code})`, fix }];
  }
}

function disk(data: string): Finding {
  const { bavail, bsize } = statfsSync(data);
  const gib = (bavail * bsize) / 2 ** 30;
  const level: Level = gib < 1 ? "fail" : gib < 10 ? "warn" : "ok";
  return {
    what: "disk",
    level,
    seen: `${gib.toFixed(1)} GiB free`,
    ...(level === "ok" ? {} : { fix: "make room; check shows the days of autonomy" }),
  };
}

/** The time a disk takes to make 4 KiB durable is the time an acknowledgement takes. */
function sync(data: string): Finding {
  const file = join(data, `.doctor-${randomBytes(4).toString("hex")}`);
  const fd = openSync(file, "w");
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let i = 0; i < SYNCS; i += 1) {
    writeSync(fd, block);
    const from = performance.now();
    fdatasyncSync(fd);
    times.push(performance.now() - from);
  }
  closeSync(fd);
  rmSync(file);
  times.sort((a, b) => a - b);
  const median = times[SYNCS / 2] ?? 0;
  const worst = times.at(-1) ?? 0;
  const level: Level = median > 25 ? "warn" : "ok";
  const seen = `${median.toFixed(2)} ms median, ${worst.toFixed(1)} ms worst`;
  return {
    what: "fsync",
    level,
    seen,
    ...(level === "ok"
      ? {}
      : { fix: "acknowledgements take this long; an SSD with power-loss protection is better" }),
  };
}

function isolation(): Finding {
  const root = process.getuid?.() === 0;
  const groups = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const seen = `${root ? "flows get an own user" : "flows run as this user, confined by Node's permission model"}${groups ? "; cgroup v2 is there" : ""}`;
  return {
    what: "isolation of flows",
    level: root ? "ok" : "warn",
    seen,
    ...(root
      ? {}
      : {
          fix: "start as root, so that flows run as another user, or accept that a flow may signal the gateway",
        }),
  };
}

/** A dead clock battery starts at 1970 or at the build date: time prices would be wrong. */
function clockFinding(): Finding {
  const own = statSync(process.execPath).mtimeMs;
  const now = Date.now();
  const good = now > own - 86_400_000;
  return {
    what: "clock",
    level: good ? "ok" : "fail",
    seen: new Date(now).toISOString(),
    ...(good ? {} : { fix: "set the clock and enable NTP" }),
  };
}

/** What is priced by time is not billed before the clock is known to be right. */
async function syncFinding(file: string): Promise<Finding> {
  const what = "clock source";
  const source = existsSync(file) ? examined(file).config?.site.clock : undefined;
  if (source === "trusted") return { what, level: "ok", seen: "trusted by the config (site.clock)" };
  const synchronised = await askClock();
  if (synchronised) return { what, level: "ok", seen: "synchronised" };
  return {
    what,
    level: "warn",
    seen: synchronised === null ? "unknown" : "not synchronised",
    fix: CLOCK_FIX,
  };
}

function configFinding(file: string): Finding {
  if (!existsSync(file))
    return { what: "config", level: "warn", seen: `${file} is missing`, fix: "laddport init --dir DIR" };
  const { seen, config } = examined(file);
  return {
    what: "config",
    level: config ? "ok" : "fail",
    seen,
    ...(config ? {} : { fix: `laddport check --config ${file}` }),
  };
}

/** The certificate of the config that ends next. */
function certificateFindings(file: string): Finding[] {
  const config = existsSync(file) ? examined(file).config : undefined;
  const [next] = config ? configuredEndings(config).sort((a, b) => a.notAfterMs - b.notAfterMs) : [];
  if (!next) return [];
  const stage = expiryStage(next.notAfterMs, Date.now());
  const seen = `${next.subject} ${stage === 0 ? "ended" : "ends"} ${new Date(next.notAfterMs).toISOString().slice(0, 10)}`;
  if (stage === undefined) return [{ what: "certificates", level: "ok", seen }];
  return [{ what: "certificates", level: stage === 0 ? "fail" : "warn", seen, fix: next.what }];
}

function examined(file: string) {
  try {
    const { config, faults } = checkConfig(readConfigText(file), file, process.env);
    const count = faults.filter((f) => f.severity === "error").length;
    return { config, seen: config ? "good" : `${count} fault${count === 1 ? "" : "s"}` };
  } catch (error) {
    if (!(error instanceof LaddportError)) throw error;
    return { config: undefined, seen: error.message.replace(/\.$/, "") };
  }
}
