/** `laddport pki`: the depot's own certificate authority. Keys and certificates go to files, what was done to stdout. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { CertificatePlaces } from "../config.ts";
import { LaddportError } from "../errors.ts";
import type { IssuedCertificate } from "../identity/certificate-index.ts";
import type { KeyType } from "../identity/certificates.ts";
import { parseCredentials } from "../identity/credentials.ts";
import { DepotAuthority, type Issued } from "../identity/depot-authority.ts";
import type { RevocationReason } from "../identity/revocation-list.ts";
import { writeWhole } from "../identity/whole-file.ts";
import { ID_PATTERN } from "../model/ids.ts";
import { ownNames } from "./init.ts";
import { type CommandIo, EXIT } from "./output.ts";
import { type HandedOut, handOut, refuseOverwriting } from "./pki-files.ts";
import { type PkiOptions, passphraseOf, placesOf, read, withAuthority } from "./pki-place.ts";

/** Of a station: on its circuit for three years, then somebody comes with another one. */
const STATION_DAYS = 3 * 365;
/** Of the broker: a host that renews itself is no better than one that need not. The authority's own end cuts it. */
const SERVER_DAYS = 10 * 365;

export const OFFLINE_ADVICE =
  "The authority's key signs every certificate of the depot and the gateway does not need it: move it to a medium that " +
  "you lock away, and name it with --ca-key when you need it.";

export interface IssueOptions extends PkiOptions {
  station?: string;
  server?: boolean;
  out?: string;
  /** Bits, or true for 3072. */
  rsa?: string | true;
  days?: number;
  host?: string[];
}

export async function pkiInit(options: PkiOptions, io: CommandIo): Promise<number> {
  const places = placesOf(options);
  const passphrase = passphraseOf(options);
  const create = () => DepotAuthority.create(places.authority, passphrase, options.nowMs);
  const [entry] = await withAuthority(places, create, async ({ index }) => index.certificates);
  if (!entry) throw new Error("an authority without a certificate of its own");
  const { key, certs, crl } = places.authority;
  const made = {
    ...told(entry),
    key_file: key,
    ca_file: certs,
    crl_file: crl,
    encrypted: Boolean(passphrase),
  };
  if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`);
  else io.stdout.write(`${certs}\n`);
  io.stderr.write(`${OFFLINE_ADVICE}\n`);
  if (places.missing.length > 0)
    io.stderr.write(
      `The config has no ${places.missing.map((name) => `mqtt.tls.${name}`).join(", ")}: docs/certificates.md shows the section. ` +
        "Then: laddport pki issue --server\n",
    );
  return EXIT.ok;
}

export async function pkiIssue(options: IssueOptions, io: CommandIo): Promise<number> {
  const places = placesOf(options);
  const keyType = keyTypeOf(options.rsa);
  if (options.server) return issueServer(options, places, keyType, io);
  const { station, out } = stationAndOut(options);
  checkStation(station, places, io);
  refuseOverwriting(out);
  const { issued, others } = await opened(options, places, async (authority) => ({
    others: authority.inForce(station, "client"),
    issued: await authority.issue({ name: station, purpose: "client", keyType, validDays: days(options) }),
  }));
  if (others.length > 0)
    io.stderr.write(
      `${station} has ${others.length} more in force (serial ${others.map((o) => o.serial).join(", ")}): laddport pki revoke --serial SERIAL\n`,
    );
  return answer(options, io, issued, await handOut(out, issued));
}

async function issueServer(
  options: IssueOptions,
  places: CertificatePlaces,
  keyType: KeyType,
  io: CommandIo,
): Promise<number> {
  const { server } = places;
  if (options.out) refuseOverwriting(options.out);
  else if (existsSync(server.cert) || existsSync(server.key))
    throw new LaddportError("LP801", `${server.cert} or its key is there already.`, {
      fix: "Run: laddport pki renew --server, or choose another place with --out DIR.",
    });
  const hosts = options.host ?? ownNames();
  const issued = await opened(options, places, (authority) =>
    authority.issue({
      name: "laddport depot",
      purpose: "server",
      hosts,
      keyType,
      validDays: options.days ?? SERVER_DAYS,
    }),
  );
  if (options.out) return answer(options, io, issued, await handOut(options.out, issued));
  if (issued.keyPem) await writeWhole(server.key, issued.keyPem, 0o600);
  return answer(options, io, issued, await installServer(places, issued));
}

export interface SignCsrOptions extends PkiOptions {
  station: string;
  file: string;
  out?: string;
  days?: number;
}

export async function pkiSignCsr(options: SignCsrOptions, io: CommandIo): Promise<number> {
  const places = placesOf(options);
  const { station, file, out } = options;
  checkStation(station, places, io);
  if (out) refuseOverwriting(out);
  const request = read(file);
  const issued = await opened(options, places, (authority) =>
    authority.certifyRequest(request, station, days(options)),
  );
  if (issued.ignored.length > 0)
    io.stderr.write(`Not granted, as asked for in the request: ${issued.ignored.join(", ")}\n`);
  if (out) return answer(options, io, issued, await handOut(out, issued));
  io.stdout.write(
    options.json
      ? `${JSON.stringify({ ...told(issued.entry), cert: issued.certPem, ca: issued.authorityPem })}\n`
      : issued.certPem,
  );
  return EXIT.ok;
}

export interface RevokeOptions extends PkiOptions {
  station?: string;
  serial?: string;
  reason: RevocationReason;
}

export async function pkiRevoke(options: RevokeOptions, io: CommandIo): Promise<number> {
  const { station, serial } = options;
  if ((station === undefined) === (serial === undefined))
    throw usage("name either --station or --serial", "laddport pki list shows both.");
  const places = placesOf(options);
  const revoked = await opened(options, places, (authority) => {
    const wanted =
      station === undefined
        ? authority.index.certificates.filter((entry) => sameSerial(entry.serial, serial ?? ""))
        : authority.inForce(station, "client");
    if (wanted.length === 0)
      throw new Error(
        station === undefined
          ? `no certificate has the serial ${serial}`
          : `${station} has no certificate in force`,
      );
    if (wanted.some((entry) => entry.purpose === "authority"))
      throw new Error(
        "an authority is not revoked: make another (renew --ca), then remove this one from the CA file",
      );
    return authority.revoke(wanted, options.reason);
  });
  const { crl } = places.authority;
  if (options.json) io.stdout.write(`${JSON.stringify({ revoked: revoked.map(told), crl_file: crl })}\n`);
  else for (const entry of revoked) io.stdout.write(`${entry.serial} ${entry.subject}\n`);
  io.stderr.write(
    places.missing.includes("crl_file")
      ? `The broker does not read it yet: set mqtt.tls.crl_file to ${crl}\n`
      : `Written to ${crl}; a running gateway reads it within seconds and cuts who is connected with it.\n`,
  );
  return EXIT.ok;
}

export interface RenewOptions extends IssueOptions {
  ca?: boolean;
  newKey?: boolean;
  revokeOld?: boolean;
}

export async function pkiRenew(options: RenewOptions, io: CommandIo): Promise<number> {
  if ([options.station, options.server, options.ca].filter(Boolean).length !== 1)
    throw usage("name one of --station, --server and --ca", "What should be renewed?");
  const places = placesOf(options);
  if (options.ca) return renewAuthority(options, places, io);
  return options.server ? renewServer(options, places, io) : renewStation(options, places, io);
}

/** The old one stays in force, so that the station can change over when somebody is there. */
async function renewStation(options: RenewOptions, places: CertificatePlaces, io: CommandIo) {
  const { station, out } = stationAndOut(options);
  refuseOverwriting(out);
  const { issued, old } = await opened(options, places, async (authority) => {
    const old = authority.inForce(station, "client");
    const last = authority.index.certificates.findLast(
      (entry) => entry.subject === station && entry.purpose === "client",
    );
    if (!last) throw new Error(`${station} never had a certificate: laddport pki issue`);
    const keyType = options.rsa === undefined ? sameKeyType(last) : keyTypeOf(options.rsa);
    const issued = await authority.issue({
      name: station,
      purpose: "client",
      keyType,
      validDays: days(options),
    });
    if (options.revokeOld) await authority.revoke(old, "superseded");
    return { issued, old };
  });
  for (const entry of old)
    io.stderr.write(
      options.revokeOld
        ? `Revoked: ${entry.serial}\n`
        : `Still in force until ${entry.not_after.slice(0, 10)}: ${entry.serial}\n`,
    );
  return answer(options, io, issued, await handOut(out, issued));
}

/** With the same key unless asked: then one file changes, at once, and the pair fits whenever the power goes. */
async function renewServer(options: RenewOptions, places: CertificatePlaces, io: CommandIo) {
  const { server } = places;
  const old = new X509Certificate(read(server.cert));
  const oldKey = read(server.key).toString();
  const hosts = options.host ?? hostsOf(old);
  const issued = await opened(options, places, async (authority) => {
    const before = authority.index.certificates.filter((entry) => entry.serial === old.serialNumber);
    const issued = await authority.issue({
      name: "laddport depot",
      purpose: "server",
      hosts,
      validDays: options.days ?? SERVER_DAYS,
      ...(options.newKey || options.rsa ? { keyType: keyTypeOf(options.rsa) } : { keyPem: oldKey }),
    });
    if (options.revokeOld) await authority.revoke(before, "superseded");
    return issued;
  });
  if (issued.keyPem && issued.keyPem !== oldKey) await writeWhole(server.key, issued.keyPem, 0o600);
  return answer(options, io, issued, await installServer(places, issued));
}

async function renewAuthority(options: RenewOptions, places: CertificatePlaces, io: CommandIo) {
  const entry = await opened(options, places, (authority) => authority.renewAuthority());
  const { certs } = places.authority;
  io.stdout.write(options.json ? `${JSON.stringify({ ...told(entry), ca_file: certs })}\n` : `${certs}\n`);
  io.stderr.write(
    `The earlier authority stays trusted until it is taken out of ${certs}. Next: give stations that file, then ` +
      "laddport pki renew --server, then renew each station.\n",
  );
  return EXIT.ok;
}

async function installServer({ server, authority }: CertificatePlaces, issued: Issued): Promise<HandedOut> {
  const [signer] = certificateBlocks(issued.authorityPem);
  await writeWhole(server.cert, `${issued.certPem}${signer}`, 0o644);
  return { key_file: server.key, cert_file: server.cert, ca_file: authority.certs };
}

const certificateBlocks = (pem: string) =>
  pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/g) ?? [];

function opened<T>(
  options: PkiOptions,
  places: CertificatePlaces,
  work: (authority: DepotAuthority) => Promise<T>,
): Promise<T> {
  const passphrase = passphraseOf(options);
  return withAuthority(places, () => DepotAuthority.open(places.authority, passphrase, options.nowMs), work);
}

/** A certificate that names the flows or the wall would be let in as they are. */
function checkStation(station: string, { stations, credentials }: CertificatePlaces, io: CommandIo): void {
  if (!ID_PATTERN.test(station))
    throw usage(`${JSON.stringify(station)} is not a station's id`, "Use 1 to 36 of a-z, 0-9 and -.");
  if (stations.includes(station)) return;
  const role = credentials && existsSync(credentials) ? roleIn(credentials, station) : undefined;
  if (role && role !== "station")
    throw usage(`${station} has the role ${role} in the credentials file`, "Name a station.");
  io.stderr.write(`The config has no station ${station} yet: add it before it connects.\n`);
}

function roleIn(file: string, name: string): string | undefined {
  try {
    return parseCredentials(readFileSync(file, "utf8"), file).get(name)?.role;
  } catch {
    // check tells what is wrong with that file.
    return undefined;
  }
}

function stationAndOut({ station, out }: IssueOptions): { station: string; out: string } {
  if (station === undefined) throw usage("name a station with --station, or --server", "Whose is it?");
  if (out === undefined)
    throw usage("--out is missing", "Name a folder for key.pem, cert.pem and ca.pem: --out DIR");
  return { station, out };
}

function keyTypeOf(rsa: string | true | undefined): KeyType {
  if (rsa === undefined) return "p256";
  if (rsa === true || rsa === "3072") return "rsa3072";
  if (rsa === "2048") return "rsa2048";
  throw usage(`--rsa is ${JSON.stringify(rsa)}`, "Write 2048 or 3072.");
}

function sameKeyType({ key }: IssuedCertificate): KeyType {
  if (key === "RSA-2048") return "rsa2048";
  return key.startsWith("RSA") ? "rsa3072" : "p256";
}

const days = ({ days: asked }: { days?: number }) => asked ?? STATION_DAYS;

/** `DNS:a, IP Address:127.0.0.1` as node prints it. */
function hostsOf({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? "")
    .split(", ")
    .map((name) => name.replace(/^(DNS|IP Address):/, ""))
    .filter((name) => name !== "");
}

const sameSerial = (a: string, b: string) => a === b.replaceAll(/[:\s]/g, "").toUpperCase();

const told = ({ serial, subject, purpose, not_after, key }: IssuedCertificate) => ({
  subject,
  serial,
  purpose,
  not_after,
  key,
});

function answer(options: PkiOptions, io: CommandIo, { entry }: Issued, files: HandedOut): number {
  const lines = Object.values(files).join("\n");
  io.stdout.write(options.json ? `${JSON.stringify({ ...told(entry), ...files })}\n` : `${lines}\n`);
  return EXIT.ok;
}

const usage = (message: string, fix: string) => new LaddportError("LP803", message, { fix });
