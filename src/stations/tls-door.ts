/**
 * MQTT over TLS (RFC 9325): 1.2 and 1.3 with forward-secret AEAD suites, no renegotiation, no resumption, so that every
 * connection proves its certificate again. Certificates, authorities and revocations change without a restart.
 */
import { constants, createPrivateKey, type X509Certificate } from "node:crypto";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import { ClientTrust, certificatesIn } from "../identity/client-trust.ts";
import { type Arrival, addressOf } from "./arrival.ts";
import type { RejectionKind } from "./rejections.ts";

export interface TlsFiles {
  /** PEM. */
  cert: string | Buffer;
  key: string | Buffer;
  /** PEM of who signs client certificates. With it a certificate may replace the password. */
  ca?: string | Buffer;
  /** Revocation lists of `ca`, PEM or DER. */
  crl?: Buffer;
}

/** TLS 1.3 suites and the forward-secret AEAD suites of TLS 1.2 (RFC 9325, section 4.2). */
const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");

/** SSL_OP_NO_RENEGOTIATION of OpenSSL, for which node has no name. */
const NO_RENEGOTIATION = 0x4000_0000;

export class TlsDoor {
  readonly server: Server;
  readonly #tls: TlsServer;
  readonly #arrived: (arrival: Arrival) => void;
  readonly #refused: (kind: RejectionKind, address: string, detail: string) => void;
  #trust: ClientTrust | undefined;

  /** Throws when key, certificate, authorities or revocations do not belong together. */
  constructor(
    { requireClientCert = false, ...files }: TlsFiles & { requireClientCert?: boolean },
    handshakeTimeout: number,
    admits: (socket: Socket) => boolean,
    arrived: (arrival: Arrival) => void,
    refused: (kind: RejectionKind, address: string, detail: string) => void,
  ) {
    this.#arrived = arrived;
    this.#refused = refused;
    this.#trust = trustOf(files);
    this.#tls = createServer({
      ...contextOf(files),
      ...(files.ca !== undefined && { requestCert: true }),
      // Where a certificate is not required, the password decides; one that nobody vouches for is refused below.
      rejectUnauthorized: files.ca !== undefined && requireClientCert,
      handshakeTimeout,
    });
    this.#tls.on("secureConnection", (conn) => this.#secured(conn));
    this.#tls.on("tlsClientError", (error, conn: TLSSocket) => {
      conn.destroy();
      // A certificate that is refused in the handshake ends the socket, and only it says why.
      const why = conn.authorizationError as unknown;
      if (why) this.#refused("certificate_refused", addressOf(conn), `a client certificate: ${String(why)}`);
      else
        this.#refused("tls_failed", addressOf(conn), (error as NodeJS.ErrnoException).code ?? error.message);
    });
    // The socket is let in first: a handshake costs memory that is freed late.
    this.server = createNetServer({ noDelay: true }, (socket) => {
      if (admits(socket)) this.#tls.emit("connection", socket);
    });
  }

  renew(files: TlsFiles): void {
    const trust = trustOf(files);
    const context = contextOf(files);
    createSecureContext(context);
    this.#tls.setSecureContext(context);
    this.#trust = trust;
  }

  refusal(certificate: X509Certificate): string | undefined {
    return this.#trust ? this.#trust.refusal(certificate) : "no authority is trusted here any more";
  }

  #secured(conn: TLSSocket): void {
    const address = addressOf(conn);
    const certificate = conn.getPeerX509Certificate();
    if (certificate === undefined) {
      this.#arrived({ conn, address, protocol: "tls" });
      return;
    }
    const commonName: unknown = conn.getPeerCertificate().subject?.CN;
    const why = conn.authorized ? this.refusal(certificate) : String(conn.authorizationError);
    if (why === undefined && typeof commonName === "string") {
      this.#arrived({ conn, address, protocol: "tls", commonName, certificate });
      return;
    }
    conn.destroy();
    this.#refused("certificate_refused", address, `a client certificate: ${why ?? "it has no single name"}`);
  }
}

const trustOf = ({ ca, crl }: TlsFiles) => (ca === undefined ? undefined : new ClientTrust(ca, crl));

/** Throws for a key of another certificate, which node would find out at the first handshake. */
function contextOf({ cert, key, ca }: TlsFiles): SecureContextOptions {
  const [own] = certificatesIn(cert);
  if (!own?.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not of the certificate");
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | NO_RENEGOTIATION,
  };
}
