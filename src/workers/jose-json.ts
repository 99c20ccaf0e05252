/** The JWE of profile `jose-1` as text. One encoding: what differs from it by a byte is refused, space and all. */
import { z } from "zod";

export type JweHeader =
  | { alg: "RSA-OAEP-256"; kid: string }
  | {
      alg: "ECDH-ES+A256KW";
      kid: string;
      /** Our one-time public key. */
      epk: { kty: "EC"; crv: string; x: string; y: string };
    };

export interface JweRecipient {
  /** `kid`: SHA-256 of the recipient's certificate, hex. */
  header: JweHeader;
  wrappedKey: Buffer;
}

export interface Jwe {
  /** The protected header, base64url. */
  protected: string;
  recipients: JweRecipient[];
  nonce: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

const JweText = z.strictObject({
  protected: z.string(),
  recipients: z
    .array(
      z.strictObject({
        header: z.discriminatedUnion("alg", [
          z.strictObject({ alg: z.literal("RSA-OAEP-256"), kid: z.string() }),
          z.strictObject({
            alg: z.literal("ECDH-ES+A256KW"),
            kid: z.string(),
            epk: z.strictObject({ kty: z.literal("EC"), crv: z.string(), x: z.string(), y: z.string() }),
          }),
        ]),
        encrypted_key: z.string(),
      }),
    )
    .min(1),
  iv: z.string(),
  ciphertext: z.string(),
  tag: z.string(),
});

/** The member `recipients` as it stands in the text: what the signature covers. */
export const recipientsText = (recipients: readonly JweRecipient[]): string =>
  JSON.stringify(recipients.map(recipientJson));

export function encodeJwe(jwe: Jwe): Buffer {
  const { recipients, nonce, ciphertext, tag } = jwe;
  return Buffer.from(
    JSON.stringify({
      protected: jwe.protected,
      recipients: recipients.map(recipientJson),
      iv: nonce.toString("base64url"),
      ciphertext: ciphertext.toString("base64url"),
      tag: tag.toString("base64url"),
    }),
  );
}

/** Refuses any text that `encodeJwe` would not have written. */
export function decodeJwe(bytes: Uint8Array): Jwe {
  const parsed = JweText.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  const { iv, ciphertext, tag } = parsed;
  const jwe: Jwe = {
    protected: parsed.protected,
    recipients: parsed.recipients.map(({ header, encrypted_key }) => ({
      header,
      wrappedKey: Buffer.from(encrypted_key, "base64url"),
    })),
    nonce: Buffer.from(iv, "base64url"),
    ciphertext: Buffer.from(ciphertext, "base64url"),
    tag: Buffer.from(tag, "base64url"),
  };
  if (!encodeJwe(jwe).equals(bytes)) throw new Error("the envelope is not in its one encoding");
  return jwe;
}

function recipientJson({ header, wrappedKey }: JweRecipient): object {
  const { alg, kid } = header;
  const ordered =
    header.alg === "RSA-OAEP-256"
      ? { alg, kid }
      : { alg, kid, epk: { kty: "EC", crv: header.epk.crv, x: header.epk.x, y: header.epk.y } };
  return { header: ordered, encrypted_key: wrappedKey.toString("base64url") };
}
