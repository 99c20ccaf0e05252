import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import {
  ConfigError,
  checkConfig,
  circuits,
  type Environment,
  evseSpecs,
  explainConfig,
  type Fault,
  formatFault,
  loadConfig,
  logLevel,
} from "../src/config.ts";
import { ERRORS, type LaddportError } from "../src/errors.ts";
import { issueCertificate } from "../src/identity/certificates.ts";
import { formatCredentials, newCredential } from "../src/identity/credentials.ts";

const DAY_MS = 86_400_000;
const runs = process.env.DEEP ? 1000 : 40;

let dir: string;
let file: string;

const GOOD = `version: 1
site: {id: ringon, name: Ringön depot, timezone: Europe/Stockholm, currency: SEK, country: SE}
circuits:
  - {id: main, limit_a: 100, reserve_a: 10, meter: grid-1}
  - {id: row-a, parent: main, limit_a: [32, 40, 50], worst_other_a: 0}
meters: [{id: grid-1}]
station_defaults: {circuit: row-a, max_a: 16}
stations:
  - {id: cp-01}
  - {id: cp-02, evses: 2, phases: 1, phase_order: L2L3L1, fallback_a: 0}
mqtt: {tcp: "127.0.0.1:1883", credentials_file: credentials}
api: {token_file: token}
tariffs: [{id: t, currency: SEK, elements: [{price_components: [{type: ENERGY, price: 2.50}]}]}]
tokens: {policy: free}
signer: {cert_file: gateway.pem, key_file: gateway.key}
identity: {kek_file: kek}
`;

function secret(name: string, text: string): void {
  writeFileSync(join(dir, name), text);
  chmodSync(join(dir, name), 0o600);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "laddport-config-"));
  file = join(dir, "laddport.yaml");
  const signer = issueCertificate({ name: "gateway", purpose: "signer" });
  secret("gateway.key", signer.keyPem);
  secret("gateway.pem", signer.certPem);
  secret("other.key", issueCertificate({ name: "other", purpose: "signer" }).keyPem);
  secret("kek", Buffer.alloc(32, 7).toString("base64"));
  secret("token", "t0ken\n");
  const stations = ["cp-01", "cp-02", "grid-1"].map((name) =>
    newCredential({ name, role: "station" }, "x", { n: 1024 }),
  );
  secret("credentials", formatCredentials(await Promise.all(stations)));
});

afterAll(() => rmSync(dir, { recursive: true }));

const faultsOf = (text: string, env: Environment = {}, nowMs?: number): Fault[] =>
  checkConfig(text, file, env, nowMs).faults;

/** `GOOD` with one piece replaced; the piece must be there. */
function changed(from: string, to: string): string {
  expect(GOOD).toContain(from);
  return GOOD.replace(from, to);
}

describe("a good config", () => {
  it("is read in code's spelling with defaults, absolute files and listeners in parts", () => {
    const { config, faults } = checkConfig(GOOD, file, {});
    expect(faults).toEqual([]);
    expect(config?.mqtt).toEqual({
      tcp: { host: "127.0.0.1", port: 1883 },
      credentialsFile: join(dir, "credentials"),
      isolatedNetwork: false,
    });
    expect(config?.api.listen).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(config?.grid.voltageV).toBe(230);
    expect(config?.retention.rawDays).toBe(14);
    expect(config?.tariffs[0]?.elements[0]?.price_components[0]).toEqual({
      type: "ENERGY",
      price: "2.5",
      step_size: 1,
    });
  });

  it("gives circuits with the reserve taken off and one spec for each EVSE", () => {
    const config = loadConfig(write(GOOD), { env: {} });
    expect(circuits(config)).toEqual([
      { id: "main", parent: null, limitA: [90, 90, 90], meter: "grid-1" },
      { id: "row-a", parent: "main", limitA: [32, 40, 50], meter: null, worstOtherA: [0, 0, 0] },
    ]);
    expect(
      evseSpecs(config).map((e) => [e.station, e.evse, e.maxA, e.phases, e.phaseOrder, e.fallbackA]),
    ).toEqual([
      ["cp-01", 1, 16, 3, "L1L2L3", 6],
      ["cp-02", 1, 16, 1, "L2L3L1", 0],
      ["cp-02", 2, 16, 1, "L2L3L1", 0],
    ]);
  });

  it("explains where each value came from", () => {
    const rows = explainConfig(GOOD, file, { LADDPORT__GRID__VOLTAGE_V: "231" });
    const origin = (path: string) => rows.find((row) => row.path === path)?.origin;
    expect(origin("site.id")).toBe(`${file}:2:12`);
    expect(origin("stations[cp-01].max_a")).toBe(`${file}:7:43`);
    expect(origin("stations[cp-02].weight")).toBe("default");
    expect(origin("grid.voltage_v")).toBe("LADDPORT__GRID__VOLTAGE_V");
    expect(origin("circuits[row-a].limit_a")).toBe(`${file}:5:40`);
  });
});

function write(text: string): string {
  writeFileSync(file, text);
  return file;
}

/** What stands in the text at a fault's place. */
function textAt(text: string, fault: Fault | undefined): string {
  return (text.split("\n")[(fault?.line ?? 0) - 1] ?? "").slice((fault?.col ?? 0) - 1);
}

describe("faults of form", () => {
  it.each<[from: string, to: string, fault: string, at: string, fix: string]>([
    [
      "Europe/Stockholm",
      "Europe/Goteborg",
      "LP101 site.timezone",
      "Europe/G",
      'For SE use "Europe/Stockholm".',
    ],
    ["Europe/Stockholm", "+01:00", "LP101 site.timezone", "+01:00", 'For SE use "Europe/Stockholm".'],
    ["reserve_a", "reserv_a", "LP102 circuits[main].reserv_a", "reserv_a: 10", "Did you mean reserve_a?"],
    [
      "2.50}",
      "2.50, restrictions: {}}",
      "LP102 tariffs[t].elements[0].price_components[0].restrictions",
      "restrict",
      "Known here: type, price, vat, step_size, price_source.",
    ],
    ["currency: SEK, country", "country", "LP103 site.currency", "{id: ringon", "Add currency."],
    ["id: main, limit_a: 100", "id: main", "LP103 circuits[main].limit_a", "{id: main", "Add limit_a."],
    ["limit_a: 100", 'limit_a: "100"', "LP104 circuits[main].limit_a", '"100"', "Remove the quotes."],
    ["max_a: 16", "max_a: 16A", "LP104 station_defaults.max_a", "16A", "Write a number, without its unit."],
    ["id: cp-01", "id: 1", "LP104 stations[0].id", "1}", "Put it in quotes."],
    ["meters: [{id: grid-1}]", "meters: 3", "LP104 meters", "3", "Write a list"],
    ["tokens: {policy: free}", "tokens:", "LP104 tokens", "", "Write a value, or remove the key."],
    ["policy: free", "policy: fre", "LP105 tokens.policy", "fre}", "Did you mean free?"],
    ["currency: SEK, country", "currency: SKE, country", "LP105 site.currency", "SKE", "three capitals"],
    ["country: SE", "country: ZQ", "LP105 site.country", "ZQ", "two capitals"],
    ["id: row-a", "id: Row_A", "LP105 circuits[Row_A].id", "Row_A", "lower case letters"],
    ["127.0.0.1:1883", "127.0.0.1:99999", "LP105 mqtt.tcp", '"127', "Write an address such as"],
    [
      "price: 2.50",
      'price: "2,50"',
      "LP105 tariffs[t].elements[0].price_components[0].price",
      '"2,50"',
      "Write a decimal such as 2.50.",
    ],
    ["phases: 1", "phases: 2", "LP105 stations[cp-02].phases", "2, phase_order", "Write 1 or 3."],
    ["evses: 2", "evses: 0", "LP106 stations[cp-02].evses", "0, phases", "Write at least 1."],
    ["[{id: t, ", "[] # ", "LP106 tariffs", "[] #", "Write at least 1 of them."],
    ["version: 1", "version: 2", "LP115 version", "2", "Write version: 1"],
  ])("%s -> %s", (from, to, fault, at, fix) => {
    const text = changed(from, to);
    const found = faultsOf(text).find((f) => `${f.code} ${f.path}` === fault);
    expect(found?.fix).toContain(fix);
    expect(textAt(text, found).startsWith(at)).toBe(true);
  });

  it.each<[rule: string, fault: string, at: string, fix: string]>([
    ["{tariff: T}", "LP116 tariff_choice[0].tariff", "T}", "Did you mean t?"],
    ["{tariff: t, stations: [cp-1]}", "LP116 tariff_choice[0].stations[0]", "cp-1]", "Did you mean cp-01?"],
    ["{tariff: t, evses: [cp-02/3]}", "LP116 tariff_choice[0].evses[0]", "cp-02/3", "cp-02 has EVSE 1 to 2."],
    [
      "{tariff: t, evses: [grid-1/1]}",
      "LP116 tariff_choice[0].evses[0]",
      "grid-1/1",
      "There are: cp-01, cp-02.",
    ],
    ["{tariff: t, evses: [cp-01]}", "LP105 tariff_choice[0].evses[0]", "cp-01]", "Write station/evse"],
    ["{tariff: t, groups: [Anna Ek]}", "LP105 tariff_choice[0].groups[0]", "Anna", "lower case letters"],
    ["{tariff: t, group: care}", "LP102 tariff_choice[0].group", "group: care", "Did you mean groups?"],
    ["{tariff: t, stations: []}", "LP106 tariff_choice[0].stations", "[]", "Write at least 1 of them."],
    ["{tariff: t, from: 2026-12-01}", "LP105 tariff_choice[0].from", "2026-12-01}", "a time with its offset"],
    [
      "{tariff: t, from: '2026-12-01T00:00:00Z', until: '2026-12-01T01:00:00+01:00'}",
      "LP105 tariff_choice[0].until",
      "'2026-12-01T01",
      "Write a time after 2026-12-01T00:00:00Z.",
    ],
  ])("tariff_choice: [%s]", (rule, fault, at, fix) => {
    const text = `${GOOD}tariff_choice: [${rule}]\n`;
    const found = faultsOf(text).find((f) => `${f.code} ${f.path}` === fault);
    expect(found?.fix).toContain(fix);
    expect(textAt(text, found).startsWith(at)).toBe(true);
  });

  it("takes rules whose names all exist", () => {
    const rules = "[{tariff: t, stations: [cp-01], evses: [cp-02/2], groups: [care], vehicles: [bus-7]}]";
    const { config, faults } = checkConfig(`${GOOD}tariff_choice: ${rules}\n`, file, {});
    expect(faults).toEqual([]);
    expect(config?.tariffChoice).toEqual([
      { tariff: "t", stations: ["cp-01"], evses: ["cp-02/2"], groups: ["care"], vehicles: ["bus-7"] },
    ]);
  });

  it("tells a fault of station_defaults once, however many stations take it", () => {
    const text = changed("max_a: 16}", "fallback_a: 3}");
    const faults = faultsOf(text);
    expect(faults.map((f) => `${f.code} ${f.path}`)).toEqual(["LP207 station_defaults.fallback_a"]);
    expect(textAt(text, faults[0])).toBe("3}");
  });

  it("never shows a password that stands in a URL", () => {
    const text = `${GOOD}influx: {url: "http://me:hunter2@db:8086", mode: victoria}\n`;
    const lines = faultsOf(text).map(formatFault).join("\n");
    expect(lines).toContain("LP114");
    expect(lines).not.toContain("hunter2");
  });

  it.each([
    ["an open bracket", "a: [1", 1],
    ["a key twice", `${GOOD}version: 1\n`, 17],
    ["a tab", "site:\n\tid: x\n", 2],
    ["nothing", "", 1],
    ["a list", "- 1\n", 1],
    ["an unknown alias", "a: *b\n", 1],
    ["two documents", "--- 1\n--- 2\n", 2],
  ])("is not YAML of ours: %s", (_, text, line) => {
    const faults = faultsOf(text);
    expect(new Set(faults.map((f) => f.code))).toEqual(new Set(["LP100"]));
    expect(faults[0]?.line).toBe(line);
  });

  it("tells the faults of every section at once, in the order of the file", () => {
    const text = changed("Europe/Stockholm", "Mars")
      .replace("parent: main", "parent: mian")
      .replace("reserve_a: 10", "reserve_a: x")
      .replace("kek}", "nix}");
    expect(faultsOf(text).map((f) => `${f.line} ${f.code} ${f.path}`)).toEqual([
      "2 LP101 site.timezone",
      "4 LP104 circuits[main].reserve_a",
      "5 LP202 circuits[row-a].parent",
      "16 LP301 identity.kek_file",
    ]);
  });
});

describe("faults across sections", () => {
  it.each<[string, string, string, string]>([
    ["parent: main", "parent: row-a", "LP203 circuits[row-a].parent", "row-a > row-a"],
    ["{id: main, ", "{id: main, parent: row-a, ", "LP203 circuits[main].parent", "main > row-a > main"],
    ["parent: main, ", "", "LP204 circuits[row-a]", "main, row-a are all roots"],
    ["reserve_a: 10", "reserve_a: 100", "LP205 circuits[main].reserve_a", "is 100 A of a limit of 100 A"],
    ["id: cp-01}", "id: cp-01, min_a: 20}", "LP206 stations[cp-01].min_a", "20 is above max_a 16"],
    ["id: cp-01}", "id: cp-01, min_a: 5}", "LP206 stations[cp-01].min_a", "5 is below 6 A"],
    ["id: cp-01}", "id: cp-01, fallback_a: 17}", "LP207 stations[cp-01].fallback_a", "17 is not 0"],
    ["id: cp-01}", "id: cp-01, kind: dc, phases: 1}", "LP208 stations[cp-01].phases", "is 1"],
    [
      "id: cp-01}",
      "id: cp-01, phases: 1, phase_switching: true}",
      "LP212 stations[cp-01].phase_switching",
      "is true on ac, phases: 1",
    ],
    ["id: cp-01}", "id: cp-01, circuit: row-b}", "LP202 stations[cp-01].circuit", "Did you mean row-a?"],
    ["meter: grid-1", "meter: grid-2", "LP209 circuits[main].meter", "Did you mean grid-1?"],
    [
      "id: cp-01}",
      "id: cp-01, evses: 6}",
      "LP211 circuits[row-a].limit_a",
      "on L1: at fallback_a its 6 EVSEs may draw 36 A; 32 A is free (32 limit - 0 reserve). Most: cp-01 36 A (6 EVSEs).",
    ],
    [
      "limit_a: 100, reserve_a: 10, meter: grid-1",
      "limit_a: 100, reserve_a: 10, worst_other_a: [86, 0, 85]",
      "LP211 circuits[main].limit_a",
      "on L1 (L3, too): at fallback_a its EVSE may draw 6 A, with 86 A of other load 92 A; 4 A is free (100 limit - 10 reserve - 86 other load). Most: cp-01 6 A. Set fallback_a: 0 for cp-01, here and in the stations; or have limit_a [102, 100, 101].",
    ],
    [
      "id: cp-02, evses: 2, phases: 1, phase_order: L2L3L1, fallback_a: 0",
      "id: cp-02, evses: 5, phases: 1, phase_order: L2L3L1, fallback_a: 10",
      "LP211 circuits[row-a].limit_a",
      "on L2: at fallback_a its 6 EVSEs may draw 56 A; 40 A is free (40 limit - 0 reserve). Most: cp-02 50 A (5 EVSEs), cp-01 6 A. Set fallback_a: 6.8 for cp-02, here and in the stations; or have limit_a [32, 56, 50].",
    ],
    [
      ", meter: grid-1}",
      ", worst_other_a: 85}",
      "LP851 circuits[main].limit_a",
      "leaves 5 A, less than any min_a of its 3 EVSEs",
    ],
    [
      "limit_a: [32, 40, 50], worst_other_a: 0",
      "limit_a: [32, 40, 50]",
      "LP850 circuits[row-a]",
      "nothing tells what else draws on row-a: no meter, no worst_other_a, no reserve_a. Write worst_other_a: 0",
    ],
    [
      "id: cp-01}",
      "id: cp-01, evses: 6, fallback_a: 0}",
      "LP210 circuits[row-a].limit_a",
      "on L1: at min_a its 8 EVSEs need 36 A",
    ],
    ["id: cp-02", "id: cp-01", "LP110 stations[cp-01].id", "also the id of stations item 1"],
    ["id: cp-02", "id: grid-1", "LP110 meters[grid-1].id", "also the id of stations item 2"],
    ["api: {", 'api: {listen: "0.0.0.0:1883", ', "LP111 api.listen", "like mqtt.tcp"],
    ["api: {", 'api: {listen: "0.0.0.0:8080", ', "LP119 api.listen", "listens on 0.0.0.0 without TLS"],
    ["127.0.0.1:1883", "0.0.0.0:1883", "LP112 mqtt.tcp", "without TLS"],
    [
      'mqtt: {tcp: "127.0.0.1:1883"',
      'mqtt: {isolated_network: true, tcp: "0.0.0.0:1883"',
      "LP117 mqtt.tcp",
      "without TLS",
    ],
    [
      "id: cp-01}",
      "id: cp-01, auth: certificate}",
      "LP118 stations[cp-01].auth",
      "client_ca_file is missing",
    ],
    ["{id: grid-1}", "{id: grid-1, auth: certificate}", "LP118 meters[grid-1].auth", "client_ca_file"],
    [
      'tcp: "127.0.0.1:1883"',
      'tls: {listen: "0.0.0.0:8883", cert_file: gateway.pem, key_file: gateway.key, crl_file: gateway.pem}',
      "LP108 mqtt.tls.crl_file",
      "needs client_ca_file",
    ],
    [
      'tcp: "127.0.0.1:1883"',
      'tls: {listen: "0.0.0.0:8883", cert_file: gateway.pem, key_file: gateway.key, client_ca_file: gateway.pem, crl_file: gateway.pem}',
      "LP328 mqtt.tls.crl_file",
      "revocation list 1 of 1",
    ],
    ["{id: t, currency: SEK", "{id: t, currency: EUR", "LP113 tariffs[t].currency", "site.currency is SEK"],
    ['tcp: "127.0.0.1:1883", ', "", "LP108 mqtt", "Add tcp, tls or ws"],
    ["tokens:", "influx: {url: http://db, mode: v1}\ntokens:", "LP108 influx", "Add database"],
    [
      "tokens:",
      "influx: {url: http://db, mode: victoria, aggregates: [{every: 1m, into: a}]}\ntokens:",
      "LP108 influx.aggregates",
      "Leave them out",
    ],
    [
      "tokens:",
      "influx: {url: http://db, mode: victoria, username: me}\ntokens:",
      "LP108 influx",
      "Add password_file",
    ],
    ["circuits:\n", "grid: {dimming: {circuit: row-b}}\ncircuits:\n", "LP202 grid.dimming.circuit", "row-a?"],
    [
      "circuits:\n",
      "grid: {inputs: [{input: relay-1, kind: stop}]}\ncircuits:\n",
      "LP844 grid.inputs[0].input",
      '"relay-1" is not an input',
    ],
    [
      "circuits:\n",
      "grid: {inputs: [{input: relay-1, kind: cap}]}\ncircuits:\n",
      "LP108 grid.inputs[0]",
      "has kind cap, and kw is missing",
    ],
    [
      "circuits:\n",
      "grid: {inputs: [{input: relay-1, kind: dimming, kw: 40}]}\ncircuits:\n",
      "LP108 grid.inputs[0].kw",
      "set grid.dimming.kw",
    ],
    [
      "circuits:\n",
      "grid: {inputs: [{input: a, kind: stop}, {input: a, kind: stop}]}\ncircuits:\n",
      "LP110 grid.inputs[1].input",
      '"a" orders something already',
    ],
    [
      "circuits:\n",
      "grid: {inputs: [{input: a, kind: stop, circuit: roof}]}\ncircuits:\n",
      "LP202 grid.inputs[0].circuit",
      '"roof" is not a circuit',
    ],
    [
      "circuits:\n",
      "grid: {demand_charge: {per_kw: 8, window_min: 20}}\ncircuits:\n",
      "grid.demand_charge.window_min",
      "Write 15, 30 or 60",
    ],
    ["file: credentials", "file: token", "LP303 mqtt.credentials_file", "has not three fields"],
    ["kek_file: kek", "kek_file: token", "LP303 identity.kek_file", "Write 32 random bytes"],
    ["cert_file: gateway.pem", "cert_file: gateway.key", "LP321 signer.cert_file", "not a PEM certificate"],
    ["key_file: gateway.key", "key_file: other.key", "LP322 signer.key_file", "does not belong"],
    ["id: cp-02", "id: cp-03", "LP304 mqtt.credentials_file", "no line for cp-03"],
  ])("%s -> %s", (from, to, where, message) => {
    const faults = faultsOf(changed(from, to));
    const lines = faults.map((f) => `${f.code} ${f.path} ${f.message} ${f.fix}`).join("\n");
    expect(lines).toContain(where);
    expect(lines).toContain(message);
  });

  it("takes single-phase stations by the lines they are on", () => {
    const rotated = GOOD.replace("max_a: 16}", "max_a: 16, phases: 1}").replace("[32, 40, 50]", "[7, 13, 6]");
    // cp-01 on L1, both EVSEs of cp-02 on L2: 6 <= 7 and 12 <= 13 at their minimum.
    expect(faultsOf(rotated).map((f) => f.code)).toEqual([]);
    expect(faultsOf(rotated.replace("[7, 13, 6]", "[7, 11, 6]")).map((f) => f.message)).toEqual([
      "on L2: at min_a its 3 EVSEs need 12 A; 11 A is free (11 limit - 0 reserve).",
    ]);
  });

  it("refuses a secret that others can read, and says how to close it", () => {
    chmodSync(join(dir, "kek"), 0o640);
    const faults = faultsOf(GOOD);
    chmodSync(join(dir, "kek"), 0o600);
    expect(faults.map((f) => `${f.code} ${f.path}`)).toEqual(["LP302 identity.kek_file"]);
    expect(textAt(GOOD, faults[0])).toBe("kek}");
    expect(faults[0]?.fix).toBe(`Run: chmod 600 ${join(dir, "kek")}`);
  });

  it("refuses recipients whose certificate is for another use, and warns of an escrow key that lies here", () => {
    const at = (name: string) => join(dir, name);
    const write = (name: string, purpose: "server" | "recipient") => {
      const hosts = purpose === "server" ? { hosts: ["a.example"] } : {};
      const made = issueCertificate({ name, purpose, ...hosts });
      writeFileSync(at(`${name}.pem`), made.certPem);
      return made.keyPem;
    };
    write("web", "server");
    write("receiver", "recipient");
    const escrowKey = write("escrow", "recipient");
    const upstream = (receiver: string, more = "") =>
      `upstream: {url: https://c, recipient_cert_files: [${receiver}.pem], escrow_cert_file: escrow.pem${more}}\ntokens:`;
    const codes = (section: string) =>
      faultsOf(GOOD.replace("tokens:", section)).map((f) => `${f.code} ${f.path} ${f.severity}`);
    expect(codes(upstream("receiver"))).toEqual([]);
    expect(codes(upstream("web"))).toEqual(["LP324 upstream.recipient_cert_files[0] error"]);
    expect(codes(upstream("receiver", ", receipt_cert_file: web.pem"))).toEqual([]);
    writeFileSync(at("somewhere.key"), escrowKey, { mode: 0o600 });
    expect(codes(upstream("receiver"))).toEqual(["LP325 upstream.escrow_cert_file warning"]);
    rmSync(at("somewhere.key"));
    expect(codes(upstream("receiver", ", revoked_certs: [abc]"))).toEqual([
      "LP105 upstream.revoked_certs[0] error",
    ]);
  });

  it("warns of certificates that run out, and still gives the config", () => {
    const soon = checkConfig(GOOD, file, {}, Date.now() + 3640 * DAY_MS);
    expect(soon.faults.map((f) => [f.code, f.severity])).toEqual([["LP323", "warning"]]);
    const late = checkConfig(GOOD, file, {}, Date.now() + 4000 * DAY_MS);
    expect(late.faults.map((f) => [f.code, f.severity])).toEqual([["LP320", "warning"]]);
    expect(late.config).toBeDefined();
    expect(faultsOf(GOOD, {}, Date.now() - 2 * DAY_MS).map((f) => f.code)).toEqual(["LP320"]);
  });
});

describe("the API beyond this machine", () => {
  it.each([
    'api: {listen: "10.0.0.5:8080", tls: {cert_file: gateway.pem, key_file: gateway.key}, ',
    'api: {listen: "127.0.0.1:8080", hosts: [depot.example], ',
  ])("is let through as %s", (text) => {
    expect(faultsOf(changed("api: {", text))).toEqual([]);
  });

  it("is let through with a warning where somebody vouches for the network", () => {
    const text = changed("api: {", 'api: {listen: "10.0.0.5:8080", isolated_network: true, ');
    expect(faultsOf(text).map((f) => `${f.code} ${f.severity}`)).toEqual(["LP117 warning"]);
  });

  it("is refused with the key of another certificate", () => {
    const text = 'api: {listen: "10.0.0.5:8080", tls: {cert_file: gateway.pem, key_file: other.key}, ';
    expect(faultsOf(changed("api: {", text)).map((f) => `${f.code} ${f.path}`)).toEqual([
      "LP322 api.tls.key_file",
    ]);
  });
});

describe("limits beside the fuse", () => {
  it("kW and unbalance of a circuit, stations that switch phases, and how a depot starts", () => {
    const text = GOOD.replace("meter: grid-1}", "meter: grid-1, limit_kw: 40.5, unbalance_a: 20}")
      .replace("- {id: cp-01}", "- {id: cp-01, phase_switching: true}")
      .concat("control: {start_delay_s: 120, site_ramp_a: 20}\n");
    const { config, faults } = checkConfig(text, file, {});
    expect(faults).toEqual([]);
    if (config === undefined) throw new Error("no config");
    expect(circuits(config)[0]).toMatchObject({ limitW: 40_500, unbalanceA: 20 });
    expect(circuits(config)[1]?.limitW).toBeUndefined();
    expect(evseSpecs(config).map((e) => e.switchesPhases)).toEqual([true, undefined, undefined]);
    expect(config.control).toMatchObject({ startDelayS: 120, siteRampA: 20 });
  });
});

describe("the environment", () => {
  it("overrides values, items by id, and text that looks like a number", () => {
    const env = {
      LADDPORT__STATIONS__CP_02__MAX_A: "20",
      LADDPORT__CIRCUITS__ROW_A__LIMIT_A: "[63, 63, 63]",
      LADDPORT__SITE__NAME: "2000",
      LADDPORT__CONTROL__LEASE_S: "90",
      OTHER: "x",
    };
    const { config, faults } = checkConfig(GOOD, file, env);
    expect(faults).toEqual([]);
    expect(config?.stations[1]?.maxA).toBe(20);
    expect(config?.circuits[1]?.limitA).toEqual([63, 63, 63]);
    expect(config?.site.name).toBe("2000");
    expect(config?.control.leaseS).toBe(90);
  });

  it("carries no secret: that is refused, and what it holds is not repeated", () => {
    const env = {
      LADDPORT__API__TOKEN: "hunter2-hunter2",
      LADDPORT__INFLUX__PASSWORD: "hunter2-hunter2",
      LADDPORT__IDENTITY__KEK: "hunter2-hunter2",
      LADDPORT__FLOWS__CREDENTIAL_SECRET: "hunter2-hunter2",
    };
    const faults = faultsOf(GOOD, env);
    expect(faults.map((f) => [f.code, f.env])).toEqual(
      Object.keys(env)
        .sort()
        .map((name) => ["LP120", name]),
    );
    expect(JSON.stringify(faults)).not.toContain("hunter2");
    expect(faultsOf(GOOD, { LADDPORT__API__TOKEN_FILE: join(dir, "token") })).toEqual([]);
  });

  it("is named as the place of its faults", () => {
    const env = {
      LADDPORT__GRID__VOLTAG: "231",
      LADDPORT__STATIONS__CP_09__MAX_A: "1",
      LADDPORT__SITE__ID: "A B",
    };
    expect(faultsOf(GOOD, env).map((f) => formatFault(f).split(" ", 3).join(" "))).toEqual([
      "LADDPORT__STATIONS__CP_09__MAX_A LP107 stations",
      "LADDPORT__SITE__ID LP105 site.id",
      "LADDPORT__GRID__VOLTAG LP102 grid.voltag",
    ]);
  });

  it("does not reach through a YAML alias into its twin", () => {
    const text = changed("limit_a: 100", "limit_a: &l [100, 100, 100]").replace("[32, 40, 50]", "*l");
    const { config, faults } = checkConfig(text, file, { LADDPORT__CIRCUITS__ROW_A__LIMIT_A: "50" });
    expect(faults).toEqual([]);
    expect(config?.circuits.map((c) => c.limitA[0])).toEqual([100, 50]);
    const site = `a: &s {id: x}\n${GOOD}`.replace("site: {", "site: *s # {");
    expect(checkConfig(site, file, { LADDPORT__SITE__ID: "y" }).faults.map((f) => f.path)).toContain("a");
  });
});

describe("loading", () => {
  it("throws all faults in one error, and LP300 without a file", () => {
    const bad = write(GOOD.replace("SEK, country", "XXQ, country").replace("free", "fre"));
    const error = catchError(() => loadConfig(bad, { env: {} })) as ConfigError;
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.faults.length).toBeGreaterThanOrEqual(2);
    expect(error.message.split("\n")).toHaveLength(error.faults.length);
    const missing = catchError(() => loadConfig(join(dir, "none.yaml"), { env: {} })) as LaddportError;
    expect([missing.code, missing.fix]).toEqual(["LP300", ERRORS.LP300.action]);
  });

  it("hands warnings over and goes on", () => {
    const warned: string[] = [];
    const text = write(changed('tcp: "127.0.0.1:1883"', 'isolated_network: true, tcp: "0.0.0.0:1883"'));
    expect(loadConfig(text, { env: {}, warn: (f) => warned.push(f.code) }).site.id).toBe("ringon");
    expect(warned).toEqual(["LP117"]);
  });
});

function catchError(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("any file", () => {
  it("gives a config or faults with a place, never an exception", () => {
    const good = parse(GOOD) as Record<string, unknown>;
    const junk = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.constant(Number.NaN));
    const paths = leaves(good, []);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), junk), { maxLength: 4 }), (changes) => {
        const data = structuredClone(good);
        for (const [path, value] of changes) put(data, path, value);
        const { config, faults } = checkConfig(stringify(data), file, {});
        expect(config === undefined).toBe(faults.some((f) => f.severity === "error"));
        for (const f of faults) {
          expect(f.line).toBeGreaterThan(0);
          expect(f.fix).not.toBe("");
          expect(formatFault(f)).not.toContain("\n");
        }
      }),
      { numRuns: runs },
    );
  });

  it("survives text that is hardly YAML", () => {
    const yamlMarks = "\t\n\r :-#&*!|>'\"%@`{}[],?~<=é\u2028\ufeff\0\u0085\ud800😀0a";
    fc.assert(
      fc.property(
        fc.nat(GOOD.length),
        fc.string({ unit: fc.constantFrom(...yamlMarks), maxLength: 5 }),
        (at, noise) => {
          const { config, faults } = checkConfig(
            GOOD.slice(0, at) + noise + GOOD.slice(at + noise.length),
            file,
            {},
          );
          expect(config === undefined).toBe(faults.some((f) => f.severity === "error"));
        },
      ),
      { numRuns: runs },
    );
  });
});

type Steps = (string | number)[];

function leaves(node: unknown, path: Steps): Steps[] {
  const below =
    typeof node === "object" && node !== null
      ? Object.entries(node).flatMap(([k, v]) => leaves(v, [...path, Array.isArray(node) ? Number(k) : k]))
      : [];
  return path.length > 0 ? [path, ...below] : below;
}

function put(data: Record<string, unknown>, path: Steps, value: unknown): void {
  let node: Record<string | number, unknown> = data;
  for (const step of path.slice(0, -1)) {
    const next = node[step];
    if (typeof next !== "object" || next === null) return;
    node = next as Record<string | number, unknown>;
  }
  node[path.at(-1) ?? ""] = value;
}

describe("LADDPORT_LOG", () => {
  it("is info unless told, and nothing that is no level", () => {
    expect(logLevel({})).toBe("info");
    expect(logLevel({ LADDPORT_LOG: "debug" })).toBe("debug");
    expect(() => logLevel({ LADDPORT_LOG: "loud" })).toThrow(/LADDPORT_LOG is "loud"/);
  });
});
