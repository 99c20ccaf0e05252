/** Whether the files that the config names can be read, are closed to others, and hold what they should. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { oneLine, recipientUsageFault } from "../identity/certificates.ts";
import { certificatesIn } from "../identity/client-trust.ts";
import { CredentialsError, parseCredentials } from "../identity/credentials.ts";
import { receiptKeys } from "../identity/receipt-signature.ts";
import { readRevocationLists } from "../identity/revocation-list.ts";
import { othersMayRead } from "../identity/vault.ts";
import { checkEscrow } from "./escrow.ts";
import type { Findings, Sections } from "./findings.ts";
import { valueAt } from "./issues.ts";
import { filesIn, type NamedFile } from "./paths.ts";

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;
const NO_CERTIFICATE: ReadonlySet<string> = new Set(["crl_file", "vehicles_file"]);

/** `nowMs` is real time: certificates run on it. */
export function checkFiles(
  raw: unknown,
  sections: Sections,
  folder: string,
  nowMs: number,
  findings: Findings,
): void {
  const texts = new Map<string, string>();
  const named = filesIn(raw, folder);
  for (const file of named) {
    const text = readChecked(file, findings);
    if (text === undefined) continue;
    texts.set(file.path.join("."), text);
    if (file.secret) checkSecret(file, text, findings);
    else if (!NO_CERTIFICATE.has(file.key)) checkCertificates(file, text, nowMs, findings);
  }
  checkRevocations(named, texts, nowMs, findings);
  checkEscrow(raw, folder, findings);
  for (const section of ["signer", "mqtt.tls", "api.tls"]) {
    const key = named.find((f) => f.path.join(".") === `${section}.key_file`);
    if (key) checkPair(key, texts.get(`${section}.cert_file`), texts.get(`${section}.key_file`), findings);
  }
  const credentials = named.find((f) => f.key === "credentials_file");
  const lines = credentials && texts.get(credentials.path.join("."));
  if (credentials && lines !== undefined) checkCredentials(credentials, lines, raw, sections, findings);
}

function readChecked(file: NamedFile, findings: Findings): string | undefined {
  try {
    const { mode } = statSync(file.file);
    if (file.secret && process.platform !== "win32" && othersMayRead(file.file, mode)) {
      const seen = `"${file.name}" has mode ${(mode & 0o777).toString(8).padStart(4, "0")}: others can read it.`;
      findings.add("LP302", file.path, seen, `Run: chmod 600 ${file.file}`);
    }
    // A revocation list may be DER, which UTF-8 would spoil.
    return readFileSync(file.file, file.key === "crl_file" ? "latin1" : "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "does not exist", EACCES: "may not be read", EISDIR: "is a folder" }[code ?? ""];
    const user = code === "EACCES" ? ` as user ${process.getuid?.() ?? ""}` : "";
    findings.add(
      "LP301",
      file.path,
      `"${file.name}" ${why ?? `cannot be read (${code})`}${user}: ${file.file}.`,
    );
    return undefined;
  }
}

function checkSecret(file: NamedFile, text: string, findings: Findings): void {
  const content = text.trim();
  // A token list may be empty, and PEM keys are compared with their certificates.
  if (file.key === "file" || file.key === "key_file") return;
  if (content === "") {
    findings.add("LP303", file.path, `"${file.name}" is empty.`);
  } else if (file.key === "kek_file" && Buffer.from(content, "base64").length !== 32) {
    const bytes = Buffer.from(content, "base64").length;
    findings.add(
      "LP303",
      file.path,
      `"${file.name}" holds ${bytes} bytes.`,
      "Write 32 random bytes, base64.",
    );
  }
}

/** A file may hold a chain, or an authority beside the one that takes over from it. */
function checkCertificates(file: NamedFile, text: string, nowMs: number, findings: Findings): void {
  const certs = parsed(() => certificatesIn(text));
  if (!certs) findings.add("LP321", file.path, `"${file.name}" is not a PEM certificate.`);
  const unsuitable = certs && unsuitableFor(file, text);
  if (unsuitable)
    findings.add("LP324", file.path, `"${file.name}" (${oneLine(certs[0]?.subject ?? "")}): ${unsuitable}.`);
  for (const cert of certs ?? []) checkPeriod(file, cert, nowMs, findings);
}

function checkPeriod(file: NamedFile, cert: X509Certificate, nowMs: number, findings: Findings): void {
  const what = `"${file.name}" (${oneLine(cert.subject)})`;
  const consequence = consequences[file.path.join(".").replace(/\.\d+$/, "")] ?? "";
  if (cert.validToDate.getTime() < nowMs)
    findings.add("LP320", file.path, `${what} expired ${day(cert.validToDate)}.${consequence}`);
  else if (cert.validFromDate.getTime() > nowMs)
    findings.add("LP320", file.path, `${what} is not valid before ${day(cert.validFromDate)}.${consequence}`);
  else if (cert.validToDate.getTime() < nowMs + SOON_MS)
    findings.add("LP323", file.path, `${what} expires ${day(cert.validToDate)}.`);
}

/** A list that nobody trusted has signed would revoke nothing, or anything. */
function checkRevocations(
  named: readonly NamedFile[],
  texts: ReadonlyMap<string, string>,
  nowMs: number,
  findings: Findings,
): void {
  const file = named.find((f) => f.key === "crl_file");
  const text = file && texts.get(file.path.join("."));
  const ca = texts.get("mqtt.tls.client_ca_file");
  const authorities = ca === undefined ? undefined : parsed(() => certificatesIn(ca));
  if (!file || text === undefined || !authorities) return;
  try {
    for (const { issuer, nextUpdateMs } of readRevocationLists(Buffer.from(text, "latin1"), authorities))
      if (nextUpdateMs !== undefined && nextUpdateMs < nowMs)
        findings.add(
          "LP329",
          file.path,
          `"${file.name}" (${oneLine(issuer)}) ended ${day(new Date(nextUpdateMs))}.`,
        );
  } catch (error) {
    findings.add("LP328", file.path, `"${file.name}": ${(error as Error).message}.`);
  }
}

/** Why a certificate cannot do what it is named for. */
function unsuitableFor({ key }: NamedFile, text: string): string | undefined {
  if (key === "recipient_cert_files" || key === "escrow_cert_file") return recipientUsageFault(text);
  if (key !== "receipt_cert_file") return undefined;
  try {
    receiptKeys(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const consequences: Readonly<Record<string, string>> = {
  "upstream.recipient_cert_files": " Nothing is sealed for it; if it is the receiver's, bills wait.",
  "upstream.escrow_cert_file": " Nothing is sealed for it.",
  "upstream.ca_file": " Summaries are kept, not sent.",
  "mqtt.tls.cert_file": " Stations refuse to connect with TLS.",
  "api.tls.cert_file": " Browsers and commands refuse the API.",
  "mqtt.tls.client_ca_file": " Stations cannot log in with certificates.",
};

const day = (date: Date) => date.toISOString().slice(0, 10);

function checkPair(
  file: NamedFile,
  cert: string | undefined,
  key: string | undefined,
  findings: Findings,
): void {
  if (key === undefined) return;
  const privateKey = parsed(() => createPrivateKey(key));
  if (!privateKey) {
    findings.add("LP322", file.path, `"${file.name}" is not an unencrypted PEM private key.`);
    return;
  }
  const certificate = cert === undefined ? undefined : parsed(() => new X509Certificate(cert));
  if (certificate && !certificate.checkPrivateKey(privateKey)) {
    findings.add("LP322", file.path, `"${file.name}" does not belong to the certificate in cert_file.`);
  }
}

function checkCredentials(
  file: NamedFile,
  text: string,
  raw: unknown,
  sections: Sections,
  findings: Findings,
): void {
  let names: ReadonlyMap<string, unknown>;
  try {
    names = parseCredentials(text, file.name);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    for (const line of error.message.split("\n")) findings.add("LP303", file.path, `${line}.`);
    return;
  }
  const byCertificate = valueAt(raw, ["mqtt", "tls", "client_ca_file"]) !== undefined;
  const auth = new Map(
    ["stations", "meters"].flatMap((list) => {
      const items = valueAt(raw, [list]);
      return Array.isArray(items)
        ? items.map((item) => [valueAt(item, ["id"]), valueAt(item, ["auth"])])
        : [];
    }),
  );
  const meters = valueAt(raw, ["meters"]);
  const polled = new Set(
    (Array.isArray(meters) ? meters : [])
      .filter((meter) => valueAt(meter, ["modbus"]) !== undefined)
      .map((meter) => valueAt(meter, ["id"])),
  );
  const missing = [...sections.ids.stations, ...sections.ids.meters].filter(
    (id) => !polled.has(id) && !names.has(id) && (auth.get(id) === "password" || !byCertificate),
  );
  if (missing.length > 0) {
    const shown = `${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`;
    findings.add("LP304", file.path, `"${file.name}" has no line for ${shown}.`);
  }
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
