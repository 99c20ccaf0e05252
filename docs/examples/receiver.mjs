/**
 * A receiver of sealed summaries over HTTP, to begin with: Node.js 20 or newer and `openssl` 3, for profile jose-1 also
 * the package `jose`. Keeps what it accepted in a folder. Put TLS and authentication in front of it.
 *
 *   node receiver.mjs --key cloud.key --cert cloud.pem --signer gateway.pem --receipts receipts.key --dir received
 *
 * --key, --cert   our private key and certificate: upstream.recipient_cert_files of the gateway names the certificate
 * --signer        the gateway's certificate, or the authority that issued it
 * --receipts      P-256 key that receipts are signed with; upstream.receipt_cert_file names its certificate
 * --port          on 127.0.0.1, default 8090, 0 for any; the one taken is printed
 */
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";

const MAX_BYTES = 16 * 1024 * 1024;
const text = { type: "string" };
const { values: options } = parseArgs({
  options: {
    ...{ key: text, cert: text, signer: text, receipts: text, dir: text },
    port: { type: "string", default: "8090" },
  },
});
for (const name of ["key", "cert", "signer", "receipts", "dir"])
  if (options[name] === undefined) throw new Error(`--${name} is missing`);

const ownFingerprint = sha256(new X509Certificate(readFileSync(options.cert)).raw);
const receiptKey = createPrivateKey(readFileSync(options.receipts));
mkdirSync(options.dir, { recursive: true });

/** What was accepted, by `gateway:epoch:seq`. Read back at each start: a receipt may be asked for after a year. */
const accepted = new Map();
for (const file of readdirSync(options.dir)) {
  if (!file.endsWith(".json")) continue;
  const { sha256: of, payload } = JSON.parse(readFileSync(join(options.dir, file), "utf8"));
  accepted.set(numberOf(payload), { sha256: of, payload });
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function numberOf({ gateway, epoch, seq }) {
  return `${gateway}:${epoch}:${seq}`;
}

/** Runs openssl on bytes. What it wrote counts only when it ended well: it writes before it has checked. */
async function openssl(args, input) {
  const child = spawn("openssl", ["cms", ...args], { stdio: ["pipe", "pipe", "ignore"] });
  const parts = [];
  child.stdout.on("data", (part) => parts.push(part));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error("not opened");
  return Buffer.concat(parts);
}

async function openCms(bytes) {
  const own = ["-recip", options.cert, "-inkey", options.key];
  const signed = await openssl(["-decrypt", "-inform", "DER", ...own, "-binary"], bytes);
  // A bill is read long after its signer's certificate ran out: -no_check_time.
  const by = ["-CAfile", options.signer, "-partial_chain", "-purpose", "any", "-no_check_time"];
  return await openssl(["-verify", "-inform", "DER", ...by, "-binary"], signed);
}

async function openJose(bytes) {
  const { compactVerify, generalDecrypt } = await import("jose");
  const { plaintext } = await generalDecrypt(JSON.parse(bytes), createPrivateKey(readFileSync(options.key)));
  const { x5c } = JSON.parse(Buffer.from(Buffer.from(plaintext).toString().split(".")[0], "base64url"));
  const by = new X509Certificate(Buffer.from(x5c[0], "base64"));
  const expected = new X509Certificate(readFileSync(options.signer));
  const issued = expected.ca && by.checkIssued(expected) && by.verify(expected.publicKey);
  if (by.fingerprint256 !== expected.fingerprint256 && !issued) throw new Error("another signer");
  const { payload } = await compactVerify(plaintext, by.publicKey, { algorithms: ["ES256", "RS256"] });
  return Buffer.from(payload);
}

/** Undefined for every cause alike: who sends must not learn which check failed. */
async function opened(bytes) {
  try {
    const payload = JSON.parse(await (bytes[0] === 0x30 ? openCms(bytes) : openJose(bytes)));
    const isSummary = payload.type === "laddport.summary" && payload.version === 1;
    // Sealed for somebody else and sent on to us: we are not among those whom the gateway named.
    return isSummary && payload.recipients.includes(ownFingerprint) ? payload : undefined;
  } catch {
    return undefined;
  }
}

/** What speaks against booking it, if anything. */
function faultOf(of, payload) {
  const { gateway, epoch, seq, previous_sha256 } = payload;
  // They may come in any order: the neighbours are compared when they are there.
  const before = accepted.get(numberOf({ gateway, epoch, seq: seq - 1 }));
  if (before && before.sha256 !== previous_sha256) return "previous_sha256 is not that of the one before";
  const after = accepted.get(numberOf({ gateway, epoch, seq: seq + 1 }));
  return after && after.payload.previous_sha256 !== of ? "the one after names other bytes" : undefined;
}

async function receiptFor(bytes) {
  const of = sha256(bytes);
  const payload = await opened(bytes);
  if (!payload) return { sha256: of, status: "rejected", reason: "cannot be opened with our key" };
  const { gateway, epoch, seq } = payload;
  const names = { gateway, epoch, seq, sha256: of };
  const known = accepted.get(numberOf(payload));
  // The same bytes again: our receipt was lost. Nothing is booked twice, and the answer is the same.
  if (known?.sha256 === of) return { ...names, status: "accepted" };
  if (known) return { ...names, status: "rejected", reason: "this number was used for other bytes" };
  const reason = faultOf(of, payload);
  if (reason) return { ...names, status: "rejected", reason };
  keep(of, payload);
  return { ...names, status: "accepted" };
}

/** On disk before the receipt leaves: from then on the gateway may forget the bytes. */
function keep(of, payload) {
  const file = join(options.dir, `${numberOf(payload).replaceAll(/[^\w-]/g, "_")}.json`);
  writeFileSync(`${file}.new`, JSON.stringify({ sha256: of, payload }), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  accepted.set(numberOf(payload), { sha256: of, payload });
}

/** Flattened JWS (RFC 7515 section 7.2.2), ES256. */
function signed(receipt) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const [header, payload] = [part({ alg: "ES256", cty: "json" }), part(receipt)];
  const key = { key: receiptKey, dsaEncoding: "ieee-p1363" };
  const signature = sign("sha256", Buffer.from(`${header}.${payload}`), key).toString("base64url");
  return { payload, protected: header, signature };
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BYTES) throw new Error("too long");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** One after the other: two arrivals of one number must not both find it free. */
let last = Promise.resolve();

const server = createServer(async (request, response) => {
  try {
    const bytes = await bodyOf(request);
    const named = request.headers["laddport-sha256"];
    // Damaged on its way: no receipt, so that it comes again.
    if (request.method !== "POST" || (named !== undefined && named !== sha256(bytes)))
      return response.writeHead(400).end();
    const answer = last.then(() => receiptFor(bytes));
    last = answer.catch(() => undefined);
    const receipt = await answer;
    response.writeHead(receipt.status === "accepted" ? 200 : 422, { "content-type": "application/json" });
    return response.end(JSON.stringify(signed(receipt)));
  } catch {
    return response.writeHead(500).end();
  }
});
server.listen(Number(options.port), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/
`);
});
