/**
 * Who opens a backup: the holders of offline certificates (EC or RSA), or, when none is named, whoever has the gateway's
 * own key-encryption key. Wrapping as in sealed summaries: RSA-OAEP-SHA256, or ECDH-ES with AES-256 key wrap, whose key
 * is HKDF-SHA256 of the shared secret.
 */
import {
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import type { Vault } from "../identity/vault.ts";
import { BackupNotOpened } from "./backup-stream.ts";
import { joinPublicKey } from "./cms-der.ts";
import { unwrapByKek, unwrapByRsa, wrapContentKey } from "./content-key.ts";
import { knownCertificate, knownKey } from "./known-keys.ts";

interface Locked {
  key: KeyObject;
  /** For the head. */
  keys: object[];
}

type Slot =
  | { for: "kek"; wrapped: string }
  | { for: string; kind: "rsa"; wrapped: string }
  | { for: string; kind: "ec"; ephemeral: string; wrapped: string };

const KEK_AAD = "laddport backup 1";
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const bytesOf = (text: string) => Buffer.from(text, "base64");

/** `certificates`: PEM. @throws when one has no key to wrap for. */
export function lockFor(certificates: readonly string[]): Locked {
  const fileKey = randomBytes(32);
  const keys = certificates.map((pem): Slot => {
    const certificate = knownCertificate(pem);
    const wrapped = wrapContentKey(certificate, fileKey, agreedKey);
    const named = { for: certificate.fingerprint, wrapped: base64(wrapped.wrappedKey) };
    if (wrapped.kind === "rsa") return { ...named, kind: "rsa" };
    return { ...named, kind: "ec", ephemeral: base64(wrapped.ephemeral) };
  });
  return { key: createSecretKey(fileKey), keys };
}

export function lockByVault(vault: Vault): Locked {
  const { key, wrapped } = vault.newKey(KEK_AAD);
  const slot: Slot = { for: "kek", wrapped: base64(wrapped) };
  return { key, keys: [slot] };
}

/** `privateKey`: PEM; null when there is none. @throws BackupNotOpened when neither opens it. */
export function unlock(slots: readonly object[], privateKey: string | null, vault: Vault): KeyObject {
  for (const slot of slots as readonly Slot[]) {
    try {
      if (!("kind" in slot)) return vault.unwrap(bytesOf(slot.wrapped), KEK_AAD);
      if (privateKey === null) continue;
      return createSecretKey(unwrapped(slot, privateKey));
    } catch {
      // Another's slot, or another key's.
    }
  }
  const isForKek = (slots as readonly Slot[]).some((slot) => !("kind" in slot));
  throw new BackupNotOpened(
    isForKek
      ? "this backup is sealed under another identity.kek_file"
      : `this backup is for the certificates ${(slots as readonly Slot[]).map((slot) => slot.for).join(", ")}: name the private key of one with --key`,
  );
}

function unwrapped(slot: Exclude<Slot, { for: "kek" }>, pem: string): Buffer {
  const { key, algorithm } = knownKey(pem);
  if (!("kind" in slot)) throw new TypeError("no certificate's slot");
  if (slot.kind === "rsa") return unwrapByRsa(key, bytesOf(slot.wrapped));
  const spki = joinPublicKey(algorithm, bytesOf(slot.ephemeral));
  const publicKey = createPublicKey({ key: spki, type: "spki", format: "der" });
  return unwrapByKek(agreedKey(diffieHellman({ privateKey: key, publicKey })), bytesOf(slot.wrapped));
}

function agreedKey(secret: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", "laddport backup key 1", 32));
}
