/** Whom a TLS door lets in by certificate: the authorities it trusts, less what they have revoked. */
import { X509Certificate } from "node:crypto";
import { oneLine } from "./certificates.ts";
import { type RevocationList, readRevocationLists } from "./revocation-list.ts";

/** Every certificate of a PEM file, in its order. Throws when there is none. */
export function certificatesIn(pem: string | Buffer): X509Certificate[] {
  const blocks = String(pem).match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error("no certificate in PEM");
  return blocks.map((block) => new X509Certificate(block));
}

export class ClientTrust {
  readonly authorities: readonly X509Certificate[];
  readonly lists: readonly RevocationList[];

  /** Throws when the authorities cannot be read, or a revocation list is not theirs. */
  constructor(ca: string | Buffer, crl?: Buffer) {
    this.authorities = certificatesIn(ca);
    this.lists = crl === undefined ? [] : readRevocationLists(crl, this.authorities);
  }

  /**
   * Why a certificate is not trusted here, or undefined. TLS has proven its signatures, period and purpose; this asks
   * what may change while a connection is open: whether its authority is still trusted and has not revoked it.
   */
  refusal(peer: X509Certificate): string | undefined {
    const chain = chainOf(peer);
    const top = chain.at(-1) ?? peer;
    if (!this.authorities.some((ca) => top.raw.equals(ca.raw) || issued(ca, top)))
      return `no authority that is trusted here issued it (${oneLine(peer.issuer)})`;
    const revoked = chain.find((cert) => this.#isRevoked(cert));
    return revoked && `it is revoked (serial ${revoked.serialNumber})`;
  }

  #isRevoked({ issuer, serialNumber }: X509Certificate): boolean {
    return this.lists.some((list) => list.issuer === issuer && list.serials.has(serialNumber));
  }
}

const issued = (ca: X509Certificate, cert: X509Certificate): boolean =>
  cert.checkIssued(ca) && cert.verify(ca.publicKey);

const MAX_CHAIN = 8;

/** The certificate and those that the peer sent with it. */
function chainOf(peer: X509Certificate): X509Certificate[] {
  const chain = [peer];
  for (let next = peer.issuerCertificate; next && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    if (chain.some((cert) => cert.raw.equals(next.raw))) break;
    chain.push(next);
  }
  return chain;
}
