// Builds nodes/dist: compiles the nodes and copies their editor parts and catalogues beside them. Plain JavaScript, so
// that `npm install` can run it under any Node from 20. Does nothing when the sources are what was built last.
// Each file is replaced in one step, so a Node-RED that starts meanwhile never misses one.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(root, "dist");
const stamp = path.join(dist, ".sources.sha256");

const files = (dir) =>
  fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();

const copied = [
  ...fs.readdirSync(root).filter((name) => name.endsWith(".html")),
  ...files(path.join(root, "locales")).map((name) => path.join("locales", name)),
];
const compiled = fs.readdirSync(root).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));

function digest() {
  const hash = createHash("sha256");
  for (const name of [...copied, ...compiled, "tsconfig.json", "build.js"].sort())
    hash.update(`${name}\0`).update(fs.readFileSync(path.join(root, name)));
  return hash.digest("hex");
}

function install(from, name) {
  const target = path.join(dist, name);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const fresh = `${target}.${process.pid}`;
  fs.copyFileSync(from, fresh);
  fs.renameSync(fresh, target);
}

function compiler() {
  try {
    const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
    return path.join(path.dirname(manifest), "bin", "tsc");
  } catch {
    throw new Error(
      "nodes/dist must be built and TypeScript isn't installed: run npm install (with dev dependencies).",
    );
  }
}

const now = digest();
if (!fs.existsSync(stamp) || fs.readFileSync(stamp, "utf8") !== now) {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), "laddport-nodes-"));
  try {
    execFileSync(process.execPath, [compiler(), "-p", root, "--outDir", out], { stdio: "inherit" });
    const built = files(out);
    for (const name of built) install(path.join(out, name), name);
    for (const name of copied) install(path.join(root, name), name);
    const kept = new Set([...built, ...copied]);
    for (const name of files(dist))
      if (!kept.has(name) && !/\.\d+$/.test(name)) fs.rmSync(path.join(dist, name));
    fs.writeFileSync(stamp, now);
  } finally {
    fs.rmSync(out, { recursive: true, force: true });
  }
}
