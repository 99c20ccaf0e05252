/** Whether the files that the config names can be read, are closed to others, and hold what they should. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { CredentialsError, parseCredentials } from "../identity/credentials.ts";
import type { Findings, Sections } from "./findings.ts";
import { filesIn, type NamedFile } from "./paths.ts";

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;

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
    else checkCertificate(file, text, nowMs, findings);
  }
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
    if (file.secret && process.platform !== "win32" && (mode & 0o077) !== 0) {
      const seen = `"${file.name}" has mode ${(mode & 0o777).toString(8).padStart(4, "0")}: others can read it.`;
      findings.add("LP302", file.path, seen, `Run: chmod 600 ${file.file}`);
    }
    return readFileSync(file.file, "utf8");
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

function checkCertificate(file: NamedFile, text: string, nowMs: number, findings: Findings): void {
  const cert = parsed(() => new X509Certificate(text));
  if (!cert) {
    findings.add("LP321", file.path, `"${file.name}" is not a PEM certificate.`);
    return;
  }
  const subject = cert.subject.replaceAll("\n", ", ");
  const consequence = consequences[file.path.join(".").replace(/\.\d+$/, "")] ?? "";
  if (cert.validToDate.getTime() < nowMs) {
    findings.add(
      "LP320",
      file.path,
      `"${file.name}" (${subject}) expired ${day(cert.validToDate)}.${consequence}`,
    );
  } else if (cert.validFromDate.getTime() > nowMs) {
    const seen = `"${file.name}" (${subject}) is not valid before ${day(cert.validFromDate)}.${consequence}`;
    findings.add("LP320", file.path, seen);
  } else if (cert.validToDate.getTime() < nowMs + SOON_MS) {
    findings.add("LP323", file.path, `"${file.name}" (${subject}) expires ${day(cert.validToDate)}.`);
  }
}

const consequences: Readonly<Record<string, string>> = {
  "upstream.recipient_cert_files": " Summaries are kept, not sent.",
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
  const certificatesToo = (raw as { mqtt?: { tls?: { client_ca_file?: unknown } } }).mqtt?.tls
    ?.client_ca_file;
  if (certificatesToo !== undefined) return;
  const missing = [...sections.ids.stations, ...sections.ids.meters].filter((id) => !names.has(id));
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
