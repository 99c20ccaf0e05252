/** What a command says when its surroundings are wrong, from the real command line. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initDemo } from "../../src/cli/init.ts";
import { freePorts } from "../../src/gateway/free-port.ts";
import { openSqliteStoreNow } from "../../src/log/sqlite-store.ts";

const cli = fileURLToPath(new URL("../../src/laddport.js", import.meta.url));
let dir: string;
let config: string;
let ports: { mqtt: number; api: number; flows: number };

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "laddport-failure-"));
  const [mqtt = 0, api = 0, flows = 0] = await freePorts(3);
  ports = { mqtt, api, flows };
  config = (await initDemo(join(dir, "depot"), { ports, stations: 3 })).config;
  for (const name of ["junk", "empty-log"]) mkdirSync(join(dir, name));
  writeFileSync(join(dir, "junk/log.db"), "x".repeat(9000));
  writeFileSync(join(dir, "empty-log/log.db"), "");
  for (const name of ["junk", "empty-log"])
    copyFileSync(join(dir, "depot/secrets/gateway.pem"), join(dir, name, "signer.pem"));
  writeFileSync(join(dir, "file"), "no folder");
  mkdirSync(join(dir, "real"));
  await openSqliteStoreNow(join(dir, "real/log.db")).close();
  mkdirSync(join(dir, "torn"));
  await openSqliteStoreNow(join(dir, "torn/log.db")).close();
  const torn = new DatabaseSync(join(dir, "torn/log.db"));
  // An index over bodies would refuse half a one; a disk does not ask it.
  torn.exec("DROP INDEX fact_subject");
  torn.exec("INSERT INTO fact VALUES (1, 0, 'cdr.issued', NULL, NULL, '{', '', '')");
  torn.close();
});
afterAll(() => rmSync(dir, { recursive: true }));

function laddport(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) =>
    execFile(process.execPath, [cli, ...args], { cwd: dir }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    ),
  );
}

describe("one line that says what happened and what to do, never a stack", () => {
  it.each([
    [
      "a log that is none",
      ["log", "tail", "--data", "junk"],
      1,
      /^LP506 junk\/log\.db .*not a database\. Keep/,
    ],
    ["an empty log file", ["sessions", "list", "--data", "empty-log"], 1, /^LP506 .*no such table.* --data/],
    [
      "the proof of a log that is none",
      ["log", "verify", "--data", "junk"],
      1,
      /^LP506 junk\/log\.db .*database/,
    ],
    ["the proof of an empty file", ["log", "verify", "--data", "empty-log"], 1, /^LP506 .*no such table/],
    [
      "a row of the log that somebody else wrote",
      ["cdr", "list", "--data", "torn"],
      1,
      /^LP506 In log\.db the event at offset 1 \(cdr\.issued\) is damaged: .* laddport log verify/,
    ],
    ["no log", ["log", "verify", "--data", "nope"], 2, /^LP803 .* is missing\)\. Name the data directory/],
    [
      "no summary",
      ["summary", "open", "nope", "--key", "nope"],
      1,
      /^LP805 nope \(ENOENT\)\. Correct the path/,
    ],
    ["a file as --keep", ["demo", "--keep", "file"], 1, /\nLP805 .*file \(EEXIST\)\. Correct the path/],
    ["figures that cannot be written", ["demo", "--json", "nope/x"], 1, /^LP805 nope\/x \(ENOENT\)/],
    [
      "a day without its record",
      ["demo", "--day", "2019-05-01"],
      2,
      /^LP803 --day belongs to a record\. Name/,
    ],
  ])("%s", async (_, args, code, text) => {
    const seen = await laddport(...args);
    expect(seen.stderr).toMatch(text);
    expect(seen.stderr).not.toContain("    at ");
    expect(seen.code).toBe(code);
  });

  it("a port that is taken", async () => {
    const holder = createServer().listen(ports.mqtt, "127.0.0.1");
    await once(holder, "listening");
    const seen = await laddport("run", "--config", config, "--data", "depot/data");
    holder.close();
    expect(seen.stderr).toMatch(/^MQTT over tcp cannot listen on .*EADDRINUSE.*choose another port\n$/);
    expect(seen.code).toBe(1);
  });

  it("a damaged log at the start of the gateway", async () => {
    const { code, stderr } = await laddport("run", "--config", config, "--data", "junk");
    expect(stderr).toMatch(/^LP506 junk\/log\.db cannot be read as a log/m);
    expect(code).toBe(1);
  });
});

it("doctor counts a data directory or config that it cannot use among its findings", async () => {
  const { code, stdout, stderr } = await laddport("doctor", "--data", "file", "--config", "depot");
  expect(stdout).toMatch(/^fail +disk +file cannot be written \(EEXIST\)/m);
  expect(stdout).toMatch(/^fail +config +depot cannot be read \(EISDIR\)/m);
  expect([code, stderr]).toEqual([1, ""]);
});

it("log tail says on stderr when nothing matches", async () => {
  const { code, stdout, stderr } = await laddport("log", "tail", "--data", "real", "--type", "session.endet");
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toBe("there is no event of type session.endet after offset 0\n");
});

it.skipIf(process.getuid?.() === 0)(
  "a folder that may not be entered is not taken for one without a log",
  async () => {
    chmodSync(join(dir, "real"), 0);
    const { stderr } = await laddport("log", "tail", "--data", "real");
    chmodSync(join(dir, "real"), 0o700);
    expect(stderr).toMatch(/^LP805 real\/log\.db \(EACCES\)/);
  },
);

describe("tokens import", () => {
  const importing = (text: string, data = "depot/data") => {
    writeFileSync(join(dir, "tokens.csv"), text);
    return laddport("tokens", "import", "tokens.csv", "--config", config, "--data", data);
  };

  it("refuses an empty file: it would replace the list by nothing", async () => {
    const { code, stderr } = await importing("");
    expect(stderr).toMatch(/^LP803 tokens\.csv:1 lacks the column uid and type/);
    expect(code).toBe(2);
    expect((await importing("uid,type,status,valid_until\n")).code).toBe(0);
  });

  it("names the file of a truncated row, and never the token", async () => {
    const { code, stderr } = await importing(
      "uid,type,status,valid_until\n04AABBCC,rfid,accepted,\n04AABBDD,rf",
    );
    expect(stderr).toMatch(/^LP803 tokens\.csv: .*on line 3\. Correct that line/);
    expect(stderr).not.toContain("04AABB");
    expect(code).toBe(2);
  });

  it("says when there is no data directory", async () => {
    const { code, stderr } = await importing("uid,type\n04AABBCC,rfid\n", "nope");
    expect([code, stderr]).toEqual([
      2,
      "LP803 there is no data directory nope. Name the gateway's own with --data.\n",
    ]);
  });
});

it("ends quietly when whoever reads its output has seen enough", async () => {
  const child = spawn(process.execPath, [cli, "check", "--config", config, "--explain"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (d) => (stderr += d));
  child.stdout.destroy();
  const [code] = await once(child, "close");
  expect(stderr).not.toContain("EPIPE");
  expect(code).toBe(0);
});
