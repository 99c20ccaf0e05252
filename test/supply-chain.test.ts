/** What a release is made of: lockfile, install scripts, licences, bill of materials, known vulnerabilities. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { scratchDir } from "./log/sample-events.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (...names: string[]) => readFileSync(join(root, ...names), "utf8");

interface Locked {
  name?: string;
  version: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  link?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
const lock = JSON.parse(read("package-lock.json")) as {
  lockfileVersion: number;
  packages: Record<string, Locked>;
};
const own = JSON.parse(read("package.json")) as Required<
  Pick<Locked, "dependencies" | "optionalDependencies">
>;
const palette = JSON.parse(read("nodes/package.json")) as { scripts: Record<string, string> };
const INSTALL = ["preinstall", "install", "postinstall", "prepare"];

/** Of others, by where they lie. */
const packages = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.includes("node_modules/") && !link,
);
const nameOf = (path: string, { name }: Locked) => name ?? path.replace(/^.*node_modules\//, "");
const refOf = (path: string, locked: Locked) => `${nameOf(path, locked)}@${locked.version}`;
/** Of production. A package that lies in the archive of another and in its own is described by its own. */
const produced = new Map(
  packages
    .filter(([, { dev }]) => !dev)
    .sort(([, one], [, other]) => Number(one.integrity !== undefined) - Number(other.integrity !== undefined))
    .map(([path, locked]) => [refOf(path, locked), { path, ...locked }]),
);

/** First cells of the table under a heading of decision 1, with the second ones. */
function decided(heading: string): string[][] {
  const [, part = ""] = read("docs/decisions/0001-dependencies.md").split(`\n## ${heading}\n`);
  const rows = part.split("\n## ")[0]?.match(/^\|.*\|$/gm) ?? [];
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim()),
  );
}

describe("the lockfile", () => {
  it("pins every package by SHA-512, and takes what package.json names in that very version", () => {
    expect(lock.lockfileVersion).toBe(3);
    expect(
      packages.filter(([, { integrity, inBundle }]) => !inBundle && !integrity?.startsWith("sha512-")),
    ).toEqual([]);
    const direct = { ...own.dependencies, ...own.optionalDependencies };
    const locked = Object.keys(direct).map((name) => [name, lock.packages[`node_modules/${name}`]?.version]);
    expect(Object.fromEntries(locked)).toEqual(direct);
  });

  it("has no install script but those that decision 1 names with a reason", () => {
    const named = decided("Install scripts");
    for (const row of named) expect(row[2]?.length, row[0]).toBeGreaterThan(10);
    const ours = [
      ["laddport", JSON.parse(read("package.json")).scripts],
      ["@laddport/node-red-depot", palette.scripts],
    ].flatMap(([name, scripts]) =>
      INSTALL.filter((one) => Object.hasOwn(scripts, one)).map((one) => `${name} ${one}`),
    );
    const others = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path, locked]) => `${nameOf(path, locked)} install`);
    expect([...ours, ...others].sort()).toEqual(named.map(([name, script]) => `${name} ${script}`).sort());
  });

  it("says of what is installed here the truth about install scripts and bindings to be built", () => {
    const here = packages.filter(
      ([path, { inBundle }]) => !inBundle && existsSync(join(root, path, "package.json")),
    );
    expect(here.length).toBeGreaterThan(300);
    const silent = here.filter(([path, { hasInstallScript = false }]) => {
      const { scripts = {} } = JSON.parse(read(path, "package.json")) as { scripts?: Record<string, string> };
      const runs = ["preinstall", "install", "postinstall"].some((one) => Object.hasOwn(scripts, one));
      return (runs || existsSync(join(root, path, "binding.gyp"))) && !hasInstallScript;
    });
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

interface Component {
  "bom-ref": string;
  type: string;
  name: string;
  version: string;
  purl: string;
  scope?: string;
  properties: { name: string; value: string }[];
  hashes?: { alg: string; content: string }[];
  licenses?: { license?: { id?: string; name?: string }; expression?: string }[];
}
interface Bom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { timestamp: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** SPDX: of `A OR B` one is enough, of `A AND B` all are needed. */
function isAllowed(licence: string, allowed: ReadonlySet<string>): boolean {
  const text = licence.replaceAll(/[()]/g, "");
  return text.split(" OR ").some((choice) => choice.split(" AND ").every((one) => allowed.has(one.trim())));
}
const licenceOf = ({ licenses: [first] = [] }: Component) =>
  first?.expression ?? first?.license?.id ?? first?.license?.name ?? "";

describe("the bill of materials", () => {
  let bom: Bom;
  beforeAll(() => {
    const dir = mkdtempSync(join(tmpdir(), "laddport-sbom-"));
    const file = join(dir, "deeper", "sbom.json");
    execFileSync(process.execPath, [join(root, "sbom.js"), file], { stdio: "pipe" });
    bom = JSON.parse(readFileSync(file, "utf8"));
    return () => rmSync(dir, { recursive: true });
  });

  it("is CycloneDX of this release, whose references all lead somewhere", () => {
    expect(bom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.5" });
    expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    const { name, version } = JSON.parse(read("package.json"));
    expect(bom.metadata.component).toMatchObject({ type: "application", name, version });
    const refs = [bom.metadata.component, ...bom.components].map((one) => one["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    const known = new Set(refs);
    expect(
      bom.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((r) => !known.has(r)),
    ).toEqual([]);
  });

  it("lists every package of production with version, licence and hash, and none that only builds or tests", () => {
    const listed = new Map(bom.components.map((component) => [component["bom-ref"], component]));
    listed.delete(`@laddport/node-red-depot@${lock.packages.nodes?.version}`);
    expect([...listed.keys()].sort()).toEqual([...produced.keys()].sort());
    for (const [ref, { integrity, inBundle }] of produced) {
      const { version, purl, hashes = [], properties, ...component } = listed.get(ref) as Component;
      expect(ref.endsWith(`@${version}`) && purl.endsWith(`@${version}`), ref).toBe(true);
      expect(licenceOf({ version, purl, properties, ...component }), ref).not.toBe("");
      if (integrity) {
        const content = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
        expect(hashes, ref).toEqual([{ alg: "SHA-512", content }]);
        // What lies in the archive of another package is covered by the hash of that.
      } else expect(inBundle, ref).toBe(true);
    }
    for (const name of Object.keys(own.dependencies))
      expect([...listed.keys()].join("\n")).toContain(`${name}@`);
  });

  it("has no licence that decision 1 does not name", () => {
    const allowed = new Set(decided("Licences").map(([licence = ""]) => licence));
    expect(isAllowed("GPL-3.0-only AND MIT", allowed)).toBe(false);
    expect(isAllowed("(MIT OR GPL-3.0-only)", allowed)).toBe(true);
    const odd = bom.components.filter((component) => !isAllowed(licenceOf(component), allowed));
    expect(odd.map((component) => `${component["bom-ref"]}: ${licenceOf(component)}`)).toEqual([]);
    const used = new Set(bom.components.flatMap((one) => licenceOf(one).split(/[() ]+/)));
    expect([...allowed].filter((licence) => !used.has(licence))).toEqual([]);
  });

  it("says of packages that tell npm no licence what their own file says", () => {
    const words: Record<string, string> = {
      MIT: "Permission is hereby granted, free of charge",
      "Apache-2.0": "Apache License",
    };
    const mute = [...produced].filter(([, { license }]) => license === undefined);
    expect(mute.length).toBeGreaterThan(0);
    const listed = new Map(bom.components.map((component) => [component["bom-ref"], licenceOf(component)]));
    for (const [ref, { path }] of mute) {
      if (!existsSync(join(root, path))) continue;
      const files = readdirSync(join(root, path)).filter((name) => /^(licen[cs]e|readme)/i.test(name));
      const text = files
        .map((name) => read(path, name))
        .join("\n")
        .replaceAll(/\s+/g, " ");
      expect(text, ref).toContain(words[listed.get(ref) ?? ""] ?? "a licence that is not expected here");
    }
  });
});

describe("known vulnerabilities", () => {
  const LEAF = { name: "leaf", severity: "high", title: "Reads too far", range: "<2" };
  const advisory = { ...LEAF, url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc" };
  const report = (via: unknown[]) => ({
    auditReportVersion: 2,
    vulnerabilities: { leaf: { name: "leaf", via }, trunk: { name: "trunk", via: ["leaf"] } },
  });
  function asked(answer: unknown, policy = "", ...more: string[]) {
    const dir = scratchDir();
    writeFileSync(join(dir, "report.json"), typeof answer === "string" ? answer : JSON.stringify(answer));
    writeFileSync(join(dir, "policy.md"), policy);
    const args = ["--report", join(dir, "report.json"), "--policy", join(dir, "policy.md"), ...more];
    const { status, stdout } = spawnSync(process.execPath, [join(root, "advisories.js"), ...args], {
      encoding: "utf8",
    });
    return { status, stdout };
  }
  const row = (name: string, why: string, until: string) =>
    `| GHSA-aaaa-bbbb-cccc | ${name} | ${why} | ${until} |\n`;

  it("none found: passes", () => {
    expect(asked({ vulnerabilities: {} })).toMatchObject({ status: 0 });
  });

  it("one that nobody explained fails and is named", () => {
    const { status, stdout } = asked(report([advisory]));
    expect(status).toBe(1);
    expect(stdout).toContain(
      "high: leaf <2: Reads too far (https://github.com/advisories/GHSA-aaaa-bbbb-cccc)",
    );
  });

  it.each([
    ["explained until a day to come passes", row("leaf", "never given a length", "9999-12-31"), 0],
    ["explained until a day that has passed fails", row("leaf", "never given a length", "2020-01-31"), 1],
    ["explained without a reason fails", row("leaf", "", "9999-12-31"), 1],
    ["explained for another package fails", row("trunk", "never given a length", "9999-12-31"), 1],
  ])("one %s", (_, policy, status) => {
    expect(asked(report([advisory]), policy).status).toBe(status);
  });

  it.each([{ message: "405 Method Not Allowed" }, "<html>", ""])(
    "a registry without an answer, %j, is said aloud, and fails where an answer is required",
    (answer) => {
      expect(asked(answer)).toMatchObject({ status: 0, stdout: expect.stringContaining("NOT CHECKED") });
      expect(asked(answer, "", "--required").status).toBe(1);
    },
  );
});
