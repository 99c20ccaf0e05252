/** Upstream over HTTP(S): one POST a summary, the receipt in the response body. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { claimsOf } from "../identity/receipt-signature.ts";
import {
  MAX_RECEIPT_BYTES,
  type Parcel,
  SendError,
  type TlsFiles,
  type TransportEvents,
  type UpstreamTransport,
} from "./upstream-transport.ts";

export interface HttpUpstreamOptions {
  /** `https://billing.example/v1/summaries` */
  url: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  tls?: TlsFiles;
  /** Wire time for one request; default 25,000, less than the wait for a receipt. */
  timeoutMs?: number;
}

/** RFC 8551 section 3.2.2, with the type of RFC 5083 section 4. */
const CMS_CONTENT_TYPE = "application/pkcs7-mime; smime-type=authEnveloped-data";
/** RFC 7515 section 9.2.2: JWE as well. */
const JOSE_CONTENT_TYPE = "application/jose+json";
/** DER begins with a SEQUENCE. Told by the bytes: a backlog keeps the profile that it was sealed in. */
const SEQUENCE = 0x30;

export function httpUpstream(options: HttpUpstreamOptions): UpstreamTransport {
  const { url, token, tls = {}, timeoutMs = 25_000 } = options;
  const secure = new URL(url).protocol === "https:";
  // The window bounds how many are open; a request that hangs must not keep the others from theirs.
  const pooled = { keepAlive: true, maxFreeSockets: 32 };
  const agent = secure ? new HttpsAgent({ ...pooled, ...tls }) : new HttpAgent(pooled);
  const request = secure ? httpsRequest : httpRequest;
  let events: TransportEvents | undefined;

  const { protocol, host, pathname } = new URL(url);
  const target = `${protocol}//${host}${pathname}`;

  function post(parcel: Parcel): Promise<IncomingMessage> {
    const headers = {
      "content-type": parcel.der[0] === SEQUENCE ? CMS_CONTENT_TYPE : JOSE_CONTENT_TYPE,
      "content-length": parcel.der.byteLength,
      accept: "application/json",
      "laddport-gateway": parcel.gateway,
      "laddport-epoch": parcel.epoch,
      "laddport-seq": parcel.seq,
      "laddport-sha256": parcel.sha256,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const outgoing = request(url, { method: "POST", agent, headers, signal }, resolve);
      outgoing.on("error", (error) =>
        reject(signal.aborted ? new Error(`${target} did not answer within ${timeoutMs} ms`) : error),
      );
      outgoing.end(parcel.der);
    });
  }

  return {
    target,
    start(on) {
      events = on;
      // Off the caller's stack, as with a transport that has to connect first.
      queueMicrotask(() => on.up());
    },
    async send(parcel) {
      const response = await post(parcel);
      const status = response.statusCode ?? 0;
      const receipt = parsed(await bodyOf(response));
      const says = (claimsOf(receipt) as { status?: unknown } | undefined | null)?.status;
      const ok = status >= 200 && status < 300;
      // A refusal may come as a client error; an acceptance under anything but 2xx contradicts itself.
      if ((ok && says !== undefined) || (status >= 400 && status < 500 && says === "rejected")) {
        events?.receipt(receipt);
        return;
      }
      const seconds = Number(response.headers["retry-after"]);
      const message = ok ? "answered without a receipt" : `answered HTTP ${status}`;
      throw new SendError(`${target} ${message}`, Number.isFinite(seconds) ? seconds * 1000 : 0);
    },
    async stop() {
      agent.destroy();
    },
  };
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_RECEIPT_BYTES) throw new SendError("the answer is too long for a receipt");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
