/** Calls of the running gateway's API by the commands of its machine, with the certificate that its config names. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { type RequestOptions, request as tlsRequest } from "node:https";
import { type Config, readSecret } from "../config.ts";
import { readGatewayFile } from "../gateway/gateway-file.ts";
import { OS_USER_HEADER } from "../web/access.ts";
import { osUser } from "./os-user.ts";

export interface GatewayAddress {
  /** `http://127.0.0.1:8080` */
  base: string;
  tokenFile: string;
  /** Of the API, PEM; absent: it speaks plain HTTP. */
  certFile?: string | undefined;
}

export interface GatewayAnswer {
  status: number;
  ok: boolean;
  /** Empty when the answer is no JSON. */
  body: Record<string, unknown>;
  /** Of an answer that is a file. */
  bytes?: Uint8Array;
}

export interface GatewayCall {
  /** GET when absent. */
  method?: string;
  body?: object;
  patienceMs?: number;
}

const PATIENCE_MS = 10_000;
const ANY_HOST: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

export function gatewayAddress({ api }: Pick<Config, "api">): GatewayAddress {
  const host = ANY_HOST[api.listen.host] ?? api.listen.host;
  const scheme = api.tls ? "https" : "http";
  const base = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${api.listen.port}`;
  return { base, tokenFile: api.tokenFile, certFile: api.tls?.certFile };
}

/** Of the gateway that has the data directory; as in the config when none ever had it. */
export function runningAddress(config: Pick<Config, "api">, dataDir: string): GatewayAddress {
  const file = readGatewayFile(dataDir);
  return file
    ? { base: file.api, tokenFile: file.token_file, certFile: file.cert_file }
    : gatewayAddress(config);
}

/** Rejects when nobody answers, or somebody with another certificate. */
export function callGateway(
  { base, tokenFile, certFile }: GatewayAddress,
  path: string,
  { method = "GET", body, patienceMs = PATIENCE_MS }: GatewayCall = {},
): Promise<GatewayAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${readSecret(tokenFile)}`,
    [OS_USER_HEADER]: encodeURIComponent(osUser()),
    ...(text === undefined
      ? {}
      : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
  };
  const options: RequestOptions = { method, headers, signal: AbortSignal.timeout(patienceMs), agent: false };
  const url = `${base}${path}`;
  return new Promise((resolve, reject) => {
    const request = certFile
      ? tlsRequest(url, { ...options, ...pinnedTo(certFile) })
      : plainRequest(url, options);
    request.on("error", reject);
    request.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const status = answer.statusCode ?? 0;
        if (answer.headers["content-type"] === "application/zip") {
          resolve({ status, ok: true, body: {}, bytes: new Uint8Array(Buffer.concat(chunks)) });
          return;
        }
        try {
          const said = Buffer.concat(chunks).toString("utf8");
          resolve({ status, ok: status >= 200 && status < 300, body: said === "" ? {} : JSON.parse(said) });
        } catch {
          reject(new Error(`it answers ${status}, and not with JSON: not a gateway of this release`));
        }
      });
    });
    request.end(text);
  });
}

/** The very certificate, whoever issued it and whatever name it is reached by: the token goes to nobody else. */
function pinnedTo(certFile: string) {
  const ca = readFileSync(certFile);
  const { fingerprint256 } = new X509Certificate(ca);
  return {
    ca,
    allowPartialTrustChain: true,
    checkServerIdentity: (_name: string, seen: { fingerprint256: string }) =>
      seen.fingerprint256 === fingerprint256
        ? undefined
        : new Error(`its certificate is not that of ${certFile}; restart the gateway after a change`),
  };
}
