/** Signature algorithms and curves (OCMF 1.4.1, table 22; secp521r1 besides). */

export interface Curve {
  /** The name of SEC 2 or RFC 5639. */
  name: string;
  /** The name OpenSSL knows it by. */
  openssl: string;
  /** Content of the OBJECT IDENTIFIER in a key, hex. */
  oid: string;
  /** Octets of a coordinate, and of r and s. */
  size: number;
}

export const CURVES: readonly Curve[] = [
  { name: "secp192k1", openssl: "secp192k1", oid: "2b8104001f", size: 24 },
  { name: "secp256k1", openssl: "secp256k1", oid: "2b8104000a", size: 32 },
  { name: "secp192r1", openssl: "prime192v1", oid: "2a8648ce3d030101", size: 24 },
  { name: "secp256r1", openssl: "prime256v1", oid: "2a8648ce3d030107", size: 32 },
  { name: "secp384r1", openssl: "secp384r1", oid: "2b81040022", size: 48 },
  { name: "secp521r1", openssl: "secp521r1", oid: "2b81040023", size: 66 },
  { name: "brainpoolP256r1", openssl: "brainpoolP256r1", oid: "2b2403030208010107", size: 32 },
  { name: "brainpoolP384r1", openssl: "brainpoolP384r1", oid: "2b240303020801010b", size: 48 },
];

/** What a record without SA is signed with. */
export const DEFAULT_ALGORITHM = "ECDSA-secp256r1-SHA256";

const SYNONYMS: Readonly<Record<string, string>> = {
  prime192v1: "secp192r1",
  nistp192: "secp192r1",
  prime256v1: "secp256r1",
  nistp256: "secp256r1",
  prime384v1: "secp384r1",
  nistp384: "secp384r1",
  nistp521: "secp521r1",
  // The format's own table leaves out the P of RFC 5639.
  brainpool256r1: "brainpoolp256r1",
  brainpool384r1: "brainpoolp384r1",
};

export interface Algorithm {
  curve: Curve;
  /** Name for node:crypto. */
  hash: "sha256" | "sha384" | "sha512";
}

/** Undefined when SA names an algorithm that is not known. */
export function algorithmOf(sa: string): Algorithm | undefined {
  const [, curveText = "", bits] =
    /^ECDSA-([a-z0-9]+)-SHA-?(256|384|512)$/i.exec(sa.replaceAll(/\s/g, "")) ?? [];
  const lower = curveText.toLowerCase();
  const name = SYNONYMS[lower] ?? lower;
  const curve = CURVES.find((known) => known.name.toLowerCase() === name);
  return curve && bits ? { curve, hash: `sha${bits}` as Algorithm["hash"] } : undefined;
}
