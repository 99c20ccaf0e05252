/** Where the depot's certificates lie, read leniently: a config with faults must not keep one from mending them. */
import { dirname, resolve } from "node:path";
import { readDocument } from "./document.ts";
import { valueAt } from "./issues.ts";

export interface CertificatePlaces {
  /** What the depot's authority keeps; absolute. */
  authority: { key: string; certs: string; index: string; crl: string };
  /** What the broker shows to stations; absolute. */
  server: { key: string; cert: string };
  credentials: string | undefined;
  /** Stations and meters that the config has as MQTT identities. */
  stations: string[];
  /** Settings of `mqtt.tls` that are not there, and so are as `init` writes them. */
  missing: string[];
}

/** `text` undefined: there is no config yet. Overrides from the environment count. */
export function certificatePlaces(
  file: string,
  text: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): CertificatePlaces {
  const raw = text === undefined ? undefined : readDocument(text, file, env).raw;
  const missing: string[] = [];
  const place = (key: string, standard: string) => {
    const written = valueAt(raw, ["mqtt", "tls", key]);
    if (typeof written !== "string") missing.push(key);
    return resolve(dirname(file), typeof written === "string" ? written : standard);
  };
  const credentials = valueAt(raw, ["mqtt", "credentials_file"]);
  return {
    authority: {
      key: resolve(dirname(file), "secrets/ca.key"),
      certs: place("client_ca_file", "secrets/ca.pem"),
      index: resolve(dirname(file), "pki/index.json"),
      crl: place("crl_file", "pki/crl.pem"),
    },
    server: { key: place("key_file", "secrets/mqtt.key"), cert: place("cert_file", "secrets/mqtt.pem") },
    credentials: typeof credentials === "string" ? resolve(dirname(file), credentials) : undefined,
    stations: idsOf(raw, "stations").concat(idsOf(raw, "meters", (item) => !valueAt(item, ["modbus"]))),
    missing,
  };
}

function idsOf(raw: unknown, list: string, counts: (item: unknown) => boolean = () => true): string[] {
  const items = valueAt(raw, [list]);
  if (!Array.isArray(items)) return [];
  return items
    .filter(counts)
    .map((item) => valueAt(item, ["id"]))
    .filter((id) => typeof id === "string");
}
