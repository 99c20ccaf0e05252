/** `--influx URL`: which of the three servers answers there, and what a demo needs to write to it. */
import { readFileSync } from "node:fs";
import { LaddportError } from "../errors.ts";

/** The config's `influx` section; the token goes to a file of its own. */
export interface InfluxSection {
  url: string;
  mode: "v2" | "v1" | "victoria";
  org?: string;
  bucket?: string;
  database?: string;
  token?: string;
}

const ANSWER_WITHIN_MS = 3000;
const EXAMPLE = "http://127.0.0.1:8086?org=depot&bucket=depot_raw&token_file=influx-token";

/**
 * Reads `http://host:8086?org=...&bucket=...&token_file=...` (2.x; `token=` works too), `...?db=...` (1.x), or the bare
 * URL of a 1.x server or of VictoriaMetrics, which is asked what it is. For 1.x the database is made when missing.
 */
export async function influxSection(text: string): Promise<InfluxSection> {
  const given = URL.canParse(text) ? new URL(text) : undefined;
  if (!given || !/^https?:$/.test(given.protocol)) throw refused(`is "${text}", not an http or https URL.`);
  if (given.username || given.password) throw refused("holds credentials in front of the host.");
  const query = new URLSearchParams(given.search);
  const unknown = [...query.keys()].find(
    (k) => !["org", "bucket", "token", "token_file", "db", "mode"].includes(k),
  );
  if (unknown) throw refused(`has ?${unknown}=, which means nothing.`);
  given.search = "";
  const url = given.toString().replace(/\/$/, "");
  const mode = query.get("mode") ?? (query.has("db") ? "v1" : query.has("org") ? "v2" : await ask(url));
  if (mode === "victoria") return { url, mode };
  if (mode === "v1") {
    const database = query.get("db") ?? "depot";
    await makeDatabase(url, database);
    return { url, mode, database };
  }
  if (mode !== "v2") throw refused(`has mode "${mode}"; there are v2, v1 and victoria.`);
  const file = query.get("token_file");
  const token = file ? readToken(file) : query.get("token");
  const org = query.get("org");
  const bucket = query.get("bucket");
  if (!org || !bucket || !token) throw refused("is an InfluxDB 2.x: it wants org, bucket and token_file.");
  return { url, mode, org, bucket, token };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new LaddportError("LP301", `${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
}

/** InfluxDB tells its version in a header of /ping; VictoriaMetrics answers /health with OK. */
async function ask(url: string): Promise<InfluxSection["mode"]> {
  const signal = () => AbortSignal.timeout(ANSWER_WITHIN_MS);
  try {
    const ping = await fetch(`${url}/ping`, { signal: signal() });
    const version = ping.headers.get("x-influxdb-version");
    if (version) return /^v?1\./.test(version) ? "v1" : "v2";
    const health = await fetch(`${url}/health`, { signal: signal() });
    if ((await health.text()).trim() === "OK") return "victoria";
  } catch (cause) {
    throw refused(`(${url}) does not answer: ${reasonOf(cause)}.`);
  }
  throw refused(`(${url}) does not say what it is.`);
}

/** fetch says only that it failed; why is in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message ? cause.message : message;
}

async function makeDatabase(url: string, name: string): Promise<void> {
  if (!/^\w+$/.test(name)) throw refused(`names the database "${name}": use letters, digits and _.`);
  const body = new URLSearchParams({ q: `CREATE DATABASE ${name}` });
  try {
    await fetch(`${url}/query`, { method: "POST", body, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch {
    // A server that may write but not create has it already, or the sink will say so.
  }
}

const refused = (what: string) =>
  new LaddportError("LP803", `--influx ${what}`, { fix: `Write it as ${EXAMPLE}` });
