/**
 * What a flow can do once it has left the sandbox of its function node, which takes one expression. The gateway's data
 * are played by a folder with a real SQLite file beside the flows' own.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fn, folder, inject, PATIENCE_MS, type Rig, startRig, TAB } from "./rig.ts";

vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

const isRoot = process.getuid?.() === 0;
const dir = folder();
const data = path.join(dir, "data");
const log = path.join(data, "log.sqlite");
mkdirSync(data, { mode: 0o700 });
writeFileSync(path.join(data, "key"), "secret of the gateway", { mode: 0o600 });
const db = new DatabaseSync(log);
db.exec("CREATE TABLE event (body TEXT); INSERT INTO event VALUES ('a fact');");
db.close();

const DENIED =
  /ERR_ACCESS_DENIED|EACCES|EPERM|ERR_UNKNOWN_BUILTIN_MODULE|ERR_INSPECTOR|ERR_DLOPEN_DISABLED|not allowed|permission/i;

/** Each attempt is the body of a function with `require`, `process`, `data` and `log`; what it returns must not come. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  "read a file": "return require('fs').readFileSync(data + '/key', 'utf8')",
  "list the folder": "return require('fs').readdirSync(data)",
  "write a file": "return require('fs').writeFileSync(data + '/planted', 'x') ?? 'wrote'",
  "link to it from its own folder":
    "const fs = require('fs'); const l = process.cwd() + '/link'; fs.symlinkSync(data, l); return fs.readFileSync(l + '/key', 'utf8')",
  "hard link to it":
    "const fs = require('fs'); fs.linkSync(data + '/key', process.cwd() + '/hard'); return fs.readFileSync(process.cwd() + '/hard', 'utf8')",
  "copy it by the native copy":
    "const fs = require('fs'); fs.cpSync(data, process.cwd() + '/copy', { recursive: true }); return fs.readdirSync(process.cwd() + '/copy')",
  "copy a file":
    "const fs = require('fs'); fs.copyFileSync(data + '/key', process.cwd() + '/key'); return fs.readFileSync(process.cwd() + '/key', 'utf8')",
  "open it as a blob": "return require('fs').openAsBlob(data + '/key').then((b) => b.text())",
  "load it as environment": "process.loadEnvFile(data + '/key'); return 'loaded'",
  "open the log with node:sqlite":
    "const { DatabaseSync } = require('node:sqlite'); return new DatabaseSync(log).prepare('SELECT * FROM event').all()",
  "open the log by a builtin's name":
    "const m = process.getBuiltinModule('node:sqlite'); if (!m) throw new Error('not allowed'); return m.DatabaseSync.name",
  "start a program": "return String(require('child_process').execFileSync('/bin/cat', [data + '/key']))",
  "replace the process":
    "return process.execve?.('/bin/cat', ['cat', data + '/key'], {}) ?? Promise.reject(new Error('not allowed here'))",
  "start a thread":
    "return new Promise((resolve, reject) => { const w = new (require('worker_threads').Worker)('require(\"worker_threads\").parentPort.postMessage(1)', { eval: true }); w.on('message', resolve); w.on('error', reject); })",
  "load an add-on": "return process.dlopen({ exports: {} }, data + '/x.node') ?? 'loaded'",
  "run WASI":
    "return new (require('node:wasi').WASI)({ version: 'preview1', preopens: { '/': data } }) && 'made'",
  "open the inspector": "require('node:inspector').open(0); return require('node:inspector').url()",
  "write a heap snapshot there": "return require('v8').writeHeapSnapshot(data + '/heap')",
  "write a report there": "return process.report.writeReport(data + '/report.json')",
  "cache code there":
    "const r = require('module').enableCompileCache(data + '/cache'); if (r.status !== 1) throw new Error('not allowed: ' + r.status); return r",
  "read the gateway's environment":
    "return require('fs').readFileSync('/proc/' + process.ppid + '/environ', 'latin1')",
  "read its own environment": "return require('fs').readFileSync('/proc/self/environ', 'latin1')",
  "read the gateway's memory map":
    "return require('fs').readFileSync('/proc/' + process.ppid + '/maps', 'latin1')",
};
/** Node's permission model permits these, so only an own user stops them. */
const NEEDS_OWN_USER: Readonly<Record<string, string>> = {
  "become root": "return process.setuid(0) ?? 'became'",
  "signal the gateway": "return process.kill(process.ppid, 0)",
};

const SPY = `
const process = Buffer.constructor('return process')();
const require = process.mainModule.require.bind(process.mainModule);
const attempts = ${JSON.stringify({ ...ATTEMPTS, ...NEEDS_OWN_USER })};
(async () => {
  require('fs').writeFileSync(process.cwd() + '/own', 'x');
  const found = {};
  for (const [name, body] of Object.entries(attempts)) {
    try {
      const run = Buffer.constructor('require', 'process', 'data', 'log', body);
      found[name] = { got: String(JSON.stringify(await run(require, process, ${JSON.stringify(data)}, ${JSON.stringify(log)}))).slice(0, 200) };
    } catch (error) {
      found[name] = { refused: String(error.code ?? '') + ' ' + String(error.message).slice(0, 120) };
    }
    if (Object.keys(found).length % 5 === 0) node.log(JSON.stringify({ found: { ...found } }));
  }
  node.log(JSON.stringify({ found, uid: process.getuid?.(), done: true }));
})();
return null;`;

interface Finding {
  got?: string;
  refused?: string;
}

/** Isolation by an own user needs root and folders that others can pass; a hidden one shows the other level. */
const LEVELS = [
  { isolation: "own_user" as const, userDir: path.join(dir, "flows"), runs: isRoot },
  { isolation: "permission_model" as const, userDir: path.join(dir, "hidden", "flows"), runs: true },
];

for (const { isolation, userDir, runs } of LEVELS)
  describe.runIf(runs)(`a flow that left its sandbox, confined by ${isolation}`, () => {
    let rig: Rig;
    let found: Record<string, Finding>;
    let uid: number;

    beforeAll(async () => {
      mkdirSync(path.join(dir, "hidden"), { recursive: true, mode: 0o700 });
      rig = await startRig([TAB, fn("spy", SPY), inject("i", "spy")], { userDir });
      await rig.reached("up");
      await rig.admin("inject/i", { method: "POST" });
      const last = await rig.until("the spy's report", () => rig.logged("spy").find((m) => m.done === true));
      found = last.found as Record<string, Finding>;
      uid = last.uid as number;
    });
    afterAll(() => rig?.stop());

    test("is at the level stated, with a warning that says the fix where it could be higher", () => {
      expect(rig.flows.isolation).toBe(isolation);
      expect(uid).toBe(isolation === "own_user" ? 65_534 : process.getuid?.());
      const warned = rig.lines.some((l) => l.level === "warn" && l.text.includes("chmod o+x"));
      expect(warned).toBe(isRoot && isolation === "permission_model");
    });

    test.each(Object.keys(ATTEMPTS))("can't %s", (name) => {
      expect(found[name]?.got, name).toBeUndefined();
      expect(found[name]?.refused, name).toMatch(DENIED);
    });

    test.runIf(isolation === "own_user").each(Object.keys(NEEDS_OWN_USER))("can't %s", (name) => {
      expect(found[name]?.refused, name).toMatch(/EPERM/);
    });

    test("left the gateway's data as they were", () => {
      expect(readdirSync(data)).toEqual(["key", "log.sqlite"]);
      expect(readFileSync(path.join(data, "key"), "utf8")).toBe("secret of the gateway");
      const reopened = new DatabaseSync(log);
      expect(reopened.prepare("SELECT body FROM event").all()).toEqual([{ body: "a fact" }]);
      reopened.close();
    });

    test("can still write in its own folder", () => {
      expect(readdirSync(userDir)).toContain("own");
    });
  });
