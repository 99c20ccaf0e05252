/**
 * The depot's own certificate authority, as files: its key and certificates, the book of what it issued, and its
 * revocation list. Each change is entered in the book before anything is handed out, so that nothing is at large that
 * cannot be revoked.
 */
import { type KeyObject, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openKey, sealKey } from "./authority-key.ts";
import {
  type CertificateIndex,
  emptyIndex,
  formatIndex,
  type IssuedCertificate,
  indexEntry,
  markRevoked,
  parseIndex,
  stateOf,
} from "./certificate-index.ts";
import {
  type Certified,
  type Credentials,
  certifyKey,
  issueCertificate,
  type KeyType,
  oneLine,
} from "./certificates.ts";
import { certificatesIn } from "./client-trust.ts";
import { makeRevocationList, type RevocationReason, readRevocationLists } from "./revocation-list.ts";
import { readSigningRequest } from "./signing-request.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

/** Absolute file names. */
export interface AuthorityFiles {
  /** The key that signs. */
  key: string;
  /** Certificates of the authority, the one that signs first, then earlier ones that are still trusted. */
  certs: string;
  index: string;
  crl: string;
}

/** What `laddport init` and `pki init` call the authority. */
const AUTHORITY_NAME = "laddport depot stations";
const AUTHORITY_DAYS = 20 * 365;

/** A new authority with an empty book and revocation list, as the texts of its files. */
export function newAuthority(nowMs = Date.now()): Credentials & { index: CertificateIndex; crlPem: string } {
  const made = issueCertificate({
    name: AUTHORITY_NAME,
    purpose: "authority",
    nowMs,
    validDays: AUTHORITY_DAYS,
  });
  const cert = new X509Certificate(made.certPem);
  const index = { ...emptyIndex(), crl_number: 1, certificates: [indexEntry(cert, "authority", cert)] };
  return { ...made, index, crlPem: makeRevocationList(made, [], { number: 1, nowMs }) };
}

/** What to issue, as far as the caller says: a station's certificate or a server's. */
export type Wanted = Pick<Certified, "name" | "hosts" | "validDays"> & {
  purpose: "server" | "client";
  keyType?: KeyType;
  /** Keep this key, PEM. */
  keyPem?: string;
};

/** What was issued. `keyPem` is absent where the key is somebody else's. */
export interface Issued {
  entry: IssuedCertificate;
  certPem: string;
  keyPem?: string;
  /** Every certificate of the authority: what the other end should trust. */
  authorityPem: string;
}

export class DepotAuthority {
  readonly index: CertificateIndex;
  readonly #files: AuthorityFiles;
  readonly #passphrase: string | undefined;
  readonly #nowMs: () => number;

  private constructor(
    files: AuthorityFiles,
    index: CertificateIndex,
    passphrase: string | undefined,
    nowMs: () => number,
  ) {
    this.#files = files;
    this.index = index;
    this.#passphrase = passphrase;
    this.#nowMs = nowMs;
  }

  /** Makes the files of a new authority. Throws when there is one already. */
  static async create(files: AuthorityFiles, passphrase?: string, nowMs = Date.now): Promise<DepotAuthority> {
    for (const file of [files.key, files.certs, files.index])
      if (existsSync(file)) throw new Error(`${file} is there already: this depot has an authority`);
    const made = newAuthority(nowMs());
    const sealed = sealKey(made.keyPem, passphrase);
    await writeWhole(files.key, sealed, 0o600);
    await writeWhole(files.index, formatIndex(made.index), 0o600);
    await writeWhole(files.certs, made.certPem, 0o644);
    await writeWhole(files.crl, made.crlPem, 0o644);
    return new DepotAuthority(files, made.index, passphrase, nowMs);
  }

  /** Reads the book. The key is read when it is needed: it may be elsewhere until then. */
  static async open(files: AuthorityFiles, passphrase?: string, nowMs = Date.now): Promise<DepotAuthority> {
    const text = await readIfThere(files.index);
    if (text === undefined && !existsSync(files.certs))
      throw new Error(`there is no authority: ${files.certs} does not exist`);
    if (text !== undefined) return new DepotAuthority(files, readIndex(files.index, text), passphrase, nowMs);
    // An authority without a book: what it issued before is unknown, what it issues from here on is entered.
    const index = emptyIndex();
    for (const cert of (await authorities(files)).reverse())
      index.certificates.push(indexEntry(cert, "authority", cert));
    return new DepotAuthority(files, index, passphrase, nowMs);
  }

  /** A key and its certificate. */
  async issue(wanted: Wanted): Promise<Issued> {
    const issuer = await this.#issuer();
    const { keyPem, certPem } = issueCertificate({ ...wanted, nowMs: this.#nowMs(), issuer });
    return { ...(await this.#enter(certPem, wanted, issuer)), keyPem };
  }

  /** A certificate for the key in a station's own request. `ignored`: extensions it asked for and does not get. */
  async certifyRequest(
    file: Buffer,
    station: string,
    validDays?: number,
  ): Promise<Issued & { ignored: string[] }> {
    const { publicKey, ignored } = readSigningRequest(file, station);
    const wanted = { name: station, purpose: "client", ...(validDays ? { validDays } : {}) } as const;
    const issuer = await this.#issuer();
    const certPem = certifyKey({ ...wanted, nowMs: this.#nowMs(), issuer }, publicKey);
    return { ...(await this.#enter(certPem, wanted, issuer)), ignored };
  }

  /** Marks them in the book, then writes the list that the broker reads. Returns those that were not revoked before. */
  async revoke(
    entries: readonly IssuedCertificate[],
    reason: RevocationReason,
  ): Promise<IssuedCertificate[]> {
    // Before anything is marked: without the key of its authority there is no list that names it.
    for (const cert of await authorities(this.#files))
      if (entries.some((entry) => entry.issuer === cert.serialNumber)) await this.#keyOf(cert);
    const marked = markRevoked(entries, reason, this.#nowMs());
    await this.#save();
    await this.#writeList();
    return marked;
  }

  /**
   * A new generation of the authority. The earlier certificate stays trusted until it ends or is removed from the file,
   * and its key stays beside the new one, to revoke what it issued.
   */
  async renewAuthority(): Promise<IssuedCertificate> {
    const { certPem: oldPem, keyPem: oldKeyPem } = await this.#issuer();
    const nowMs = this.#nowMs();
    const generation = this.index.certificates.filter((entry) => entry.purpose === "authority").length + 1;
    const name = `${AUTHORITY_NAME} ${generation}`;
    const made = issueCertificate({ name, purpose: "authority", nowMs, validDays: AUTHORITY_DAYS });
    const cert = new X509Certificate(made.certPem);
    const entry = indexEntry(cert, "authority", cert);
    const kept = (await authorities(this.#files)).filter((c) => c.validToDate.getTime() > nowMs);
    // At every step between these the first certificate has its key: under its own name, or under the usual one.
    const ownName = this.#keyFileOf(cert);
    await writeWhole(ownName, sealKey(made.keyPem, this.#passphrase), 0o600);
    await writeWhole(
      this.#keyFileOf(new X509Certificate(oldPem)),
      sealKey(oldKeyPem, this.#passphrase),
      0o600,
    );
    this.index.certificates.push(entry);
    await this.#save();
    await writeWhole(this.#files.certs, [cert, ...kept].map(String).join(""), 0o644);
    await rename(ownName, this.#files.key);
    await this.#writeList();
    return entry;
  }

  /** Those of one subject and purpose that would be let in, oldest first. */
  inForce(subject: string, purpose: IssuedCertificate["purpose"]): IssuedCertificate[] {
    const nowMs = this.#nowMs();
    return this.index.certificates.filter(
      (entry) =>
        entry.subject === subject &&
        entry.purpose === purpose &&
        ["valid", "replaced"].includes(stateOf(entry, this.index, nowMs)),
    );
  }

  async #issuer(): Promise<Credentials> {
    const [cert] = await authorities(this.#files);
    if (!cert) throw new Error(`${this.#files.certs} holds no certificate`);
    if (cert.validToDate.getTime() <= this.#nowMs())
      throw new Error(`the authority in ${this.#files.certs} has expired: make another with pki init`);
    return credentials(cert, await this.#keyOf(cert));
  }

  async #enter(certPem: string, wanted: Omit<Wanted, "keyType">, issuer: Credentials): Promise<Issued> {
    const entry = indexEntry(
      new X509Certificate(certPem),
      wanted.purpose,
      new X509Certificate(issuer.certPem),
      wanted.hosts,
    );
    this.index.certificates.push(entry);
    await this.#save();
    const authorityPem = (await authorities(this.#files)).map(String).join("");
    return { entry, certPem, authorityPem };
  }

  #save(): Promise<void> {
    return writeWhole(this.#files.index, formatIndex(this.index), 0o600);
  }

  /** One list for each generation whose key is here; the others keep the list that they have. */
  async #writeList(): Promise<void> {
    this.index.crl_number += 1;
    await this.#save();
    const options = { number: this.index.crl_number, nowMs: this.#nowMs() };
    const certs = await authorities(this.#files);
    const before = listsByIssuer((await readIfThere(this.#files.crl)) ?? "", certs);
    const lists: string[] = [];
    for (const cert of certs) {
      const key = await this.#findKey(cert);
      if (!key) {
        lists.push(before.get(cert.subject) ?? "");
        continue;
      }
      const revoked = this.index.certificates.flatMap((entry) =>
        entry.issuer === cert.serialNumber && entry.revoked
          ? [{ serial: entry.serial, atMs: Date.parse(entry.revoked.at), reason: entry.revoked.reason }]
          : [],
      );
      lists.push(makeRevocationList(credentials(cert, key), revoked, options));
    }
    await writeWhole(this.#files.crl, lists.join(""), 0o644);
  }

  async #keyOf(cert: X509Certificate): Promise<KeyObject> {
    const key = await this.#findKey(cert);
    if (key) return key;
    throw new Error(
      `the key of ${oneLine(cert.subject)} is not in ${this.#files.key}: bring it back, or name it with --ca-key`,
    );
  }

  /** In the usual file, or in one of its own name, which every generation may have. */
  async #findKey(cert: X509Certificate): Promise<KeyObject | undefined> {
    for (const file of [this.#files.key, this.#keyFileOf(cert)]) {
      if (!existsSync(file)) continue;
      const key = await openKey(file, this.#passphrase);
      if (cert.checkPrivateKey(key)) return key;
    }
    return undefined;
  }

  #keyFileOf({ serialNumber }: X509Certificate): string {
    return join(dirname(this.#files.key), `ca-${serialNumber.slice(0, 8).toLowerCase()}.key`);
  }
}

function listsByIssuer(text: string, certs: readonly X509Certificate[]): Map<string, string> {
  const blocks = text.match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----\n?/g) ?? [];
  return new Map(
    blocks.flatMap((block) =>
      readRevocationLists(Buffer.from(block), certs).map(({ issuer }) => [issuer, block] as const),
    ),
  );
}

function credentials(cert: X509Certificate, key: KeyObject): Credentials {
  return { certPem: cert.toString(), keyPem: key.export({ type: "pkcs8", format: "pem" }).toString() };
}

async function authorities(files: AuthorityFiles): Promise<X509Certificate[]> {
  const text = await readIfThere(files.certs);
  if (text === undefined) throw new Error(`there is no authority: ${files.certs} does not exist`);
  try {
    return certificatesIn(text);
  } catch (cause) {
    throw new Error(`${files.certs} is not a certificate in PEM`, { cause });
  }
}

function readIndex(file: string, text: string): CertificateIndex {
  try {
    return parseIndex(text);
  } catch (cause) {
    throw new Error(`${file} is not the authority's book: restore it from a backup`, { cause });
  }
}
