/**
 * Checks across sections that are not electrical: ids, listeners, currencies, keys that belong together. They read
 * the raw data, so that a fault elsewhere does not hide these.
 */
import type { Path } from "./faults.ts";
import type { Findings } from "./findings.ts";
import { valueAt } from "./issues.ts";
import { type Listen, ListenAddress } from "./values.ts";

export function checkConsistency(raw: unknown, findings: Findings): void {
  checkIds(raw, ["circuits"], findings);
  checkIds(raw, ["stations", "meters"], findings);
  checkIds(raw, ["tariffs"], findings);
  checkIds(raw, ["classes"], findings);
  checkIds(raw, ["vehicles"], findings);
  checkListeners(raw, findings);
  checkCurrency(raw, findings);
  checkBelonging(raw, findings);
  checkAuth(raw, findings);
}

function itemsOf(raw: unknown, list: string): { path: Path; item: unknown }[] {
  const items = valueAt(raw, [list]);
  return Array.isArray(items) ? items.map((item, index) => ({ path: [list, index], item })) : [];
}

function checkIds(raw: unknown, lists: readonly string[], findings: Findings): void {
  const first = new Map<string, string>();
  for (const list of lists) {
    for (const { path, item } of itemsOf(raw, list)) {
      const id = valueAt(item, ["id"]);
      if (typeof id !== "string") continue;
      const other = first.get(id);
      if (other !== undefined) findings.add("LP110", [...path, "id"], `"${id}" is also the id of ${other}.`);
      else first.set(id, `${list} item ${Number(path[1]) + 1}`);
    }
  }
}

const LISTENERS: readonly Path[] = [
  ["mqtt", "tcp"],
  ["mqtt", "tls", "listen"],
  ["mqtt", "ws"],
  ["api", "listen"],
];

const ANY_HOST = new Set(["0.0.0.0", "::"]);
const isLoopback = (host: string) => host === "localhost" || host === "::1" || host.startsWith("127.");

function checkListeners(raw: unknown, findings: Findings): void {
  const taken: (Listen & { name: string })[] = [];
  const take = (path: Path, listen: Listen) => {
    const name = path.join(".");
    const rival = taken.find(
      (t) =>
        t.port === listen.port &&
        (t.host === listen.host || ANY_HOST.has(t.host) || ANY_HOST.has(listen.host)),
    );
    if (rival && listen.port !== 0)
      findings.add("LP111", path, `wants port ${listen.port}, like ${rival.name}.`);
    taken.push({ ...listen, name });
  };
  for (const path of LISTENERS) {
    const written = valueAt(raw, path);
    const value = written === undefined && path[0] === "api" ? "127.0.0.1:8080" : written;
    const parsed = ListenAddress.safeParse(value);
    if (!parsed.success) continue;
    take(path, parsed.data);
    if (path[0] === "api" && !isLoopback(parsed.data.host) && valueAt(raw, ["api", "tls"]) === undefined) {
      const isolated = valueAt(raw, ["api", "isolated_network"]) === true;
      findings.add(isolated ? "LP117" : "LP119", path, `listens on ${parsed.data.host} without TLS.`);
    }
    const plain = path.length === 2 && path[0] === "mqtt";
    if (plain && !isLoopback(parsed.data.host)) {
      const isolated = valueAt(raw, ["mqtt", "isolated_network"]) === true;
      findings.add(isolated ? "LP117" : "LP112", path, `listens on ${parsed.data.host} without TLS.`);
    }
  }
  const flows = valueAt(raw, ["flows"]);
  if (flows === undefined || valueAt(flows, ["enabled"]) === false) return;
  const port = valueAt(flows, ["port"]) ?? 1880;
  if (typeof port === "number") take(["flows", "port"], { host: "127.0.0.1", port });
}

function checkCurrency(raw: unknown, findings: Findings): void {
  const site = valueAt(raw, ["site", "currency"]);
  if (typeof site !== "string") return;
  for (const { path, item } of itemsOf(raw, "tariffs")) {
    const currency = valueAt(item, ["currency"]);
    if (typeof currency === "string" && currency !== site) {
      findings.add("LP113", [...path, "currency"], `is ${currency}; site.currency is ${site}.`);
    }
  }
}

/** `section` needs `key` when `when` holds. */
function checkBelonging(raw: unknown, findings: Findings): void {
  const has = (...path: string[]) => valueAt(raw, path) !== undefined;
  const needs = (section: string, keys: readonly string[], because: string) => {
    for (const key of keys) {
      if (!has(section, key))
        findings.add("LP108", [section], `${because}, and ${key} is missing.`, `Add ${key}.`);
    }
  };
  if (has("mqtt") && !has("mqtt", "tcp") && !has("mqtt", "tls") && !has("mqtt", "ws")) {
    findings.add("LP108", ["mqtt"], "has no listener.", "Add tcp, tls or ws.");
  }
  if (has("influx")) {
    const mode = valueAt(raw, ["influx", "mode"]) ?? "v2";
    if (mode === "v2") needs("influx", ["org", "bucket", "token_file"], "has mode v2");
    if (mode === "v1") needs("influx", ["database"], "has mode v1");
    if (mode === "victoria" && has("influx", "aggregates"))
      findings.add(
        "LP108",
        ["influx", "aggregates"],
        "need a database beside the first, which VictoriaMetrics has not.",
        "Leave them out; VictoriaMetrics keeps raw series cheaply.",
      );
    if (has("influx", "username")) needs("influx", ["password_file"], "has a username");
  }
  if (has("upstream", "username")) needs("upstream", ["password_file"], "has a username");
}

/** Whether every identity has a door that takes what it must show (OCPP's security profiles 2 and 3, by station). */
function checkAuth(raw: unknown, findings: Findings): void {
  const mqtt = (...path: string[]) => valueAt(raw, ["mqtt", ...path]);
  const byCertificate = mqtt("tls", "client_ca_file") !== undefined;
  const requires = mqtt("tls", "require_client_cert") === true;
  const byPassword = mqtt("tcp") !== undefined || mqtt("ws") !== undefined || (mqtt("tls") && !requires);
  for (const key of ["crl_file", "require_client_cert"]) {
    const written = mqtt("tls", key);
    if (written !== undefined && written !== false && !byCertificate)
      findings.add(
        "LP108",
        ["mqtt", "tls", key],
        "needs client_ca_file, which is missing.",
        "Add client_ca_file.",
      );
  }
  for (const { path, item } of [...itemsOf(raw, "stations"), ...itemsOf(raw, "meters")]) {
    const auth = valueAt(item, ["auth"]);
    if (auth === "certificate" && !byCertificate)
      findings.add("LP118", [...path, "auth"], "is certificate, and mqtt.tls.client_ca_file is missing.");
    if (auth === "password" && !byPassword)
      findings.add(
        "LP118",
        [...path, "auth"],
        "is password, and mqtt.tls.require_client_cert closes the only door.",
      );
  }
}
