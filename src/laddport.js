#!/usr/bin/env node
// Starts the command line under Node.js 24, whatever Node.js runs this file. Its syntax is that of Node.js 12.20.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NEEDED = 24;
const RELAYED = "LADDPORT_RELAYED";
// MiB; V8's own choice lets a stream of short messages take several times the memory it needs.
const SEMI_SPACE = "--max-semi-space-size=8";
const self = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split(".")[0]) >= NEEDED) {
  if (process.env[RELAYED] && process.send) dieWithRelay();
  delete process.env[RELAYED];
  if (process.argv[2] === "run" && !limitsHeap()) startAgainSmall();
  keepCompiledCode();
  import(pathToFileURL(commandLine()).href).catch((error) => {
    console.error(error);
    process.exit(1);
  });
} else {
  relay();
}

function limitsHeap() {
  const given = process.execArgv.concat(process.env.NODE_OPTIONS || "").join(" ");
  return given.includes("--max-semi-space-size");
}

// V8 takes the limit at the start of a process only, so a gateway starts once more in the same process; glibc's arenas,
// one a thread, likewise. Together about a fifth of its memory. Where there is no execve it goes on without.
function startAgainSmall() {
  if (!process.execve || process.platform === "win32") return;
  const env = Object.assign({ MALLOC_ARENA_MAX: "2" }, process.env);
  const args = [process.execPath, ...process.execArgv, SEMI_SPACE, self, ...process.argv.slice(2)];
  process.execve(process.execPath, args, env);
}

// Code compiled at the last start is used again, by the threads too: a gateway is up in about half the time.
// In a folder of this user's own: whoever can write there decides what runs.
function keepCompiledCode() {
  const folder = process.env.NODE_COMPILE_CACHE || ownCache();
  if (folder && nodeModule.enableCompileCache(folder).directory) process.env.NODE_COMPILE_CACHE = folder;
}

function ownCache() {
  try {
    return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "laddport");
  } catch {
    // A user without an entry in the password file, as in a container, has no home: then without a cache.
    return undefined;
  }
}

function commandLine() {
  const here = dirname(self);
  // Node.js does not strip types below node_modules, so an installed package brings its build.
  const installed = self.split(sep).includes("node_modules");
  const source = installed ? [] : [join(here, "cli.ts")];
  const built = [join(here, "cli.js"), join(here, "../dist/cli.js"), join(here, "../dist/src/cli.js")];
  const found = [...source, ...built].find((file) => existsSync(file));
  if (found) return found;
  console.error(`laddport: cli.js is not beside ${self}. Install laddport again: npm install`);
  return process.exit(1);
}

function pinnedNode() {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  try {
    const manifest = nodeModule.createRequire(import.meta.url).resolve(`${name}/package.json`);
    const file = join(dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

function relay() {
  const node = pinnedNode();
  if (!node) {
    console.error(
      `laddport: LP804 needs Node.js ${NEEDED}, this is ${process.versions.node}, and there is no pinned one for ` +
        `${process.platform}-${process.arch}. Run npm install, or install Node.js ${NEEDED} from https://nodejs.org`,
    );
    process.exit(1);
  }
  const child = spawn(node, [SEMI_SPACE, self, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: Object.assign({ MALLOC_ARENA_MAX: "2" }, process.env, { [RELAYED]: "1" }),
  });
  // A terminal sends Ctrl-C to both processes: passed on, it would arrive twice.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`laddport: cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

// kill -9 of the relay must end the gateway as it would without one: nothing may go on unseen with the ports held.
function dieWithRelay() {
  process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel.unref();
}
