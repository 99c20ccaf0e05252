/** The palette as a package: what Node-RED and its catalogue expect of one, checked without a network. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type AlertMessage,
  type Answer,
  type DepartAnswer,
  type DepartRequest,
  type DepartureRow,
  type EvseState,
  paletteTopics,
  readTopic,
  SEVERITIES,
} from "../../nodes/contract.ts";
import type { DepartReply, Answer as Given } from "../../src/gateway/requests.ts";
import type { Alert } from "../../src/model/alert.ts";
import { DepartMessage } from "../../src/model/departure.ts";
import { ID_PATTERN } from "../../src/model/ids.ts";
import { siteTopics } from "../../src/model/topics.ts";
import type { EvseState as Live } from "../../src/sinks/live-state.ts";

const root = fileURLToPath(new URL("../../nodes/", import.meta.url));
const read = (...parts: string[]) => readFileSync(path.join(root, ...parts), "utf8");
const manifest = JSON.parse(read("package.json"));
const types = Object.keys(manifest["node-red"].nodes);
const HEADINGS = {
  "en-US": { in: "Inputs", out: "Outputs", more: "Details" },
  sv: { in: "Ingångar", out: "Utgångar", more: "Detaljer" },
  de: { in: "Eingänge", out: "Ausgänge", more: "Details" },
};
const LANGUAGES = Object.keys(HEADINGS);
/** Colours of Node-RED's own palette ("Creating Nodes", appearance): muted, so that ours sit beside them. */
const COLOURS = [
  "#3FADB5",
  "#87A980",
  "#A6BBCF",
  "#AAAA66",
  "#C0C0C0",
  "#C0DEED",
  "#C7E9C0",
  "#D7D7A0",
  "#D8BFD8",
  "#DAC4B4",
  "#DEB887",
  "#DEBD5C",
  "#E2D96E",
  "#E6E0F8",
  "#E7E7AE",
  "#E9967A",
  "#F3B567",
  "#FDD0A2",
  "#FDF0C2",
  "#FFAAAA",
  "#FFCC66",
  "#FFF0F0",
  "#FFFFFF",
];

const fileOf = (type: string) => type.replace("laddport-", "");
const catalogue = (language: string, type: string) =>
  JSON.parse(read("locales", language, `${fileOf(type)}.json`));

function keysOf(value: object, prefix = ""): string[] {
  return Object.entries(value).flatMap(([key, v]) =>
    typeof v === "object" ? keysOf(v, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}
const textAt = (texts: object, key: string) =>
  key.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], texts);

function filesPacked(cwd: string): string[] {
  const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [packed] = JSON.parse(execFileSync("npm", args, { cwd, encoding: "utf8", stdio }));
  return packed.files.map((f: { path: string }) => f.path);
}

beforeAll(() => {
  execFileSync(process.execPath, [path.join(root, "build.js")]);
});

describe("the package", () => {
  test("has what Node-RED's scorecard asks for offline", () => {
    expect(manifest.name).toBe("@laddport/node-red-depot");
    expect(manifest.license).toBe("Apache-2.0");
    expect(manifest.keywords).toContain("node-red");
    expect(manifest.engines.node).toBe(">=22.9");
    expect(manifest["node-red"].version).toMatch(/^>=\d/);
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(6);
    expect(types).toEqual([
      "laddport-gateway",
      "laddport-charger",
      "laddport-session",
      "laddport-alert",
      "laddport-limit",
      "laddport-depart",
    ]);
  });

  test("is complete when packed, and stands on its own", () => {
    const files = filesPacked(root);
    for (const type of types) {
      expect(files).toContain(`dist/${fileOf(type)}.js`);
      expect(files).toContain(`dist/${fileOf(type)}.html`);
      for (const language of LANGUAGES)
        for (const kind of ["json", "html"])
          expect(files).toContain(`dist/locales/${language}/${fileOf(type)}.${kind}`);
    }
    // The package is handed on by itself, so the licence and what it is for go with it.
    for (const name of ["LICENSE", "README.md"]) expect(files).toContain(name);
    expect(read("LICENSE")).toBe(read("..", "LICENSE"));
    for (const type of types) expect(read("README.md")).toContain(`\`${type}\``);
    expect(files.some((f) => f.startsWith("examples/01"))).toBe(true);
    expect(files.filter((f) => f.endsWith(".ts"))).toEqual([]);
    for (const name of readdirSync(path.join(root, "dist")).filter((f) => f.endsWith(".js")))
      for (const [, from] of read("dist", name).matchAll(/\bfrom "([^"]+)"/g))
        expect(from, name).toMatch(/^(node:[a-z_]+|mqtt|\.\/[a-z]+\.js)$/);
  });

  test("goes whole with the gateway's own package, examples too", () => {
    const files = filesPacked(path.join(root, ".."));
    for (const name of filesPacked(root).filter((f) => /^(dist|examples)\/|^package.json$/.test(f)))
      expect(files).toContain(`nodes/${name}`);
  });

  test("is built from these sources, and building again changes nothing", () => {
    const stamp = read("dist", ".sources.sha256");
    execFileSync(process.execPath, [path.join(root, "build.js")]);
    expect(read("dist", ".sources.sha256")).toBe(stamp);
    for (const name of readdirSync(root).filter((f) => f.endsWith(".html")))
      expect(read("dist", name)).toBe(read(name));
  });
});

describe.each(types)("%s", (type) => {
  const html = read(`${fileOf(type)}.html`);
  const code = read(`${fileOf(type)}.ts`);
  const english = catalogue("en-US", type);

  test("registers itself in code and editor, with a template", () => {
    expect(code).toContain(`registerType("${type}"`);
    expect(html).toContain(`registerType("${type}"`);
    expect(html).toContain(`data-template-name="${type}"`);
  });

  test("sits in the one category, in a colour of the palette", () => {
    const category = /category: "([^"]+)"/.exec(html)?.[1];
    if (type === "laddport-gateway") return expect(category).toBe("config");
    expect(category).toBe("Laddport");
    expect(COLOURS).toContain(/color: "([^"]+)"/.exec(html)?.[1]);
    expect(html).toMatch(/icon: "font-awesome\/fa-[a-z-]+"/);
  });

  test.each(LANGUAGES)(
    "explains itself in %s: a summary of one line, then inputs, outputs, details",
    (language) => {
      const help = read("locales", language, `${fileOf(type)}.html`);
      expect(help).toContain(`<script type="text/markdown" data-help-name="${type}">`);
      const [summary = "", blank] = help.split("\n").slice(1);
      expect(summary).toMatch(/^[A-ZÅÄÖ].{20,100}\.$/);
      expect(blank).toBe("");
      const word = HEADINGS[language as keyof typeof HEADINGS];
      expect(help).toContain(`### ${word.more}`);
      expect(help.includes(`### ${word.in}`)).toBe(/inputs: 1/.test(html));
      expect(help.includes(`### ${word.out}`)).toBe(/outputs: [1-9]/.test(html));
    },
  );

  test("has the same texts in every language, all of them filled", () => {
    const keys = keysOf(english).sort();
    for (const language of LANGUAGES) {
      const texts = catalogue(language, type);
      expect(keysOf(texts).sort(), language).toEqual(keys);
      for (const key of keys) {
        const text = String(textAt(texts, key));
        expect(text.trim(), `${language} ${key}`).not.toBe("");
        const marks = (t: unknown) =>
          String(t)
            .match(/__[a-z]+__/g)
            ?.sort() ?? [];
        expect(marks(text), `${language} ${key}`).toEqual(marks(textAt(english, key)));
      }
    }
  });

  test("uses only texts that exist, and leaves none unused", () => {
    const used = new Set<string>();
    const name = fileOf(type);
    for (const [, key] of `${html}${code}`.matchAll(/["\]](?:\[[a-z]+\])?([a-z]+\.(?:[a-z-]+\.)*[a-z-]+)"/g))
      if (key?.startsWith(`${name}.`)) used.add(key);
    if (type !== "laddport-gateway")
      for (const s of ["no-gateway", "offline"]) used.add(`${name}.status.${s}`);
    expect([...used].sort()).toEqual(keysOf(english).sort());
  });

  test("keeps status texts under 20 characters, at large values too", () => {
    const values: Record<string, string> = { kw: "9999", count: "999", amps: "99.5" };
    for (const language of LANGUAGES)
      for (const [key, text] of Object.entries(catalogue(language, type)[fileOf(type)].status ?? {})) {
        const filled = String(text).replace(/__([a-z]+)__/g, (_, v) => values[v] ?? "?");
        expect(filled.length, `${language} ${key}: ${filled}`).toBeLessThan(20);
        expect(filled).not.toContain("?");
      }
  });
});

describe("examples and the first flow", () => {
  const examples = readdirSync(path.join(root, "examples"));
  const flows = [
    ...examples.map((name) => ({ name, flow: JSON.parse(read("examples", name)) })),
    { name: "first flow", flow: JSON.parse(read("..", "flows", "depot-overview.json")) },
  ];

  test("show every node", () => {
    for (const name of examples) expect(name).toMatch(/^\d\d - .+\.json$/);
    const shown = new Set(
      examples.flatMap((n) => JSON.parse(read("examples", n)).map((x: { type: string }) => x.type)),
    );
    for (const type of types) expect(shown).toContain(type);
    const first = new Set(flows.at(-1)?.flow.map((n: { type: string }) => n.type));
    for (const type of types) expect(first).toContain(type);
  });

  test.each(flows)(
    "$name: ids unique and unlike any type, wires lead somewhere, fields are the editor's",
    ({ flow }) => {
      const ids = flow.map((n: { id: string }) => n.id);
      expect(new Set(ids).size).toBe(ids.length);
      // Node-RED takes any property that equals a config node's id for a reference to it, `type` included.
      for (const id of ids) expect(types).not.toContain(id);
      for (const node of flow) {
        for (const target of (node.wires ?? []).flat()) expect(ids).toContain(target);
        if (node.gateway) expect(ids).toContain(node.gateway);
        if (!types.includes(node.type)) continue;
        const defaults = /defaults: \{([\s\S]*?)\n {4}\}/.exec(read(`${fileOf(node.type)}.html`))?.[1] ?? "";
        const fields = [...defaults.matchAll(/^ {6}([A-Za-z]+): \{/gm)].map((m) => m[1]);
        const given = Object.keys(node).filter(
          (k) => !["id", "type", "z", "x", "y", "wires", "d"].includes(k),
        );
        expect(given.sort()).toEqual(fields.sort());
        expect(JSON.stringify(node)).not.toMatch(/password/);
      }
    },
  );
});

describe("the contract as the palette states it", () => {
  const mine = paletteTopics("depot-1", "flows");
  const theirs = siteTopics("depot-1");

  test("has the gateway's topics", () => {
    expect(mine.root).toBe(theirs.root);
    expect(mine.request("limit")).toBe(theirs.request("flows", "limit"));
    expect(mine.request("depart")).toBe(theirs.request("flows", "depart"));
    expect(mine.answers).toBe(theirs.response("flows", "+"));
    expect(readTopic(mine.root, theirs.evseState("cp-07", 2))).toEqual({
      stream: "state",
      rest: ["cp-07", "2"],
    });
    for (const what of ["started", "ended", "rated", "held"] as const)
      expect(readTopic(mine.root, theirs.sessionEvent(what))).toEqual({ stream: "session", rest: [what] });
    for (const what of ["raised", "cleared"] as const)
      expect(readTopic(mine.root, theirs.alertEvent(what))).toEqual({ stream: "alert", rest: [what] });
    for (const topic of [
      theirs.siteState,
      theirs.health,
      theirs.limit("cp-07", 1),
      "laddport/v1/other/event/alert/raised",
    ])
      expect(readTopic(mine.root, topic)).toBeUndefined();
  });

  test("has the gateway's states, answers, alerts and ids", () => {
    const live: Live = {
      online: true,
      charging_state: "charging",
      power_w: 1,
      limit_a: 6,
      limit_reason: "fair_share",
    };
    const state: EvseState = live;
    expect(Object.keys(state)).toEqual(Object.keys(live));
    const given: Given = { id: "a", status: "clamped", data: { limit_a: 6, reason: "r" } };
    const answer: Answer = given;
    expect(answer.status).toBe(given.status);
    const row: DepartureRow = {
      id: "a",
      vehicle: "bus-14",
      depart: "06:30",
      energy_kwh: "1.5",
      class: "line",
    };
    const told: DepartRequest = { id: "a", data: { departures: [row] } };
    expect(DepartMessage.parse(told)).toEqual(told);
    const taken: DepartReply = {
      id: "a",
      status: "clamped",
      data: {
        departures: ["a"],
        removed: [],
        passed: 1,
        notes: [],
        clamped: true,
        known: false,
        log_offset: 7,
      },
    };
    const heard: DepartAnswer = taken;
    expect(heard.data?.departures).toEqual(["a"]);
    const alert: Alert = {
      id: "a",
      kind: "disk_full",
      severity: "critical",
      subject: "log",
      cause: "c",
      since_ms: 0,
    };
    const asRead: AlertMessage = alert;
    expect(SEVERITIES).toContain(asRead.severity satisfies Alert["severity"]);
    expect(read("limit.ts")).toContain(ID_PATTERN.source.slice(1, -1));
  });
});
