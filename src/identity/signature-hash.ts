/**
 * Signature algorithms that certificates, revocation lists and requests may have, and the hash of each: ECDSA (RFC 5758)
 * and RSA PKCS #1 v1.5 (RFC 8017) with SHA-2. SHA-1 and MD5 can be forged.
 */
export const SIGNATURE_HASH: Readonly<Record<string, string>> = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
};
