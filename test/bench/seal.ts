/**
 * Speed of sealing on one core, in one thread as a compute thread does it: summaries of one CDR (about 4 KB) for two
 * recipients (EC and RSA), in both profiles, signed with P-256. Every tenth is opened again and compared.
 *
 *     node test/bench/seal.ts [--json] [--summaries N] [--cdrs N]
 */
import { parseArgs } from "node:util";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import { SUMMARY_PROFILES } from "../../src/model/summary.ts";
import { openEnvelope, sealEnvelope } from "../../src/workers/envelope.ts";
import { samplePayload } from "../workers/sample-summary.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    summaries: { type: "string", default: "5000" },
    cdrs: { type: "string", default: "1" },
  },
});
const [count, cdrs] = [Number(values.summaries), Number(values.cdrs)];

const signer = issueCertificate({ name: "gateway", purpose: "signer" });
const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
const escrow = issueCertificate({ name: "escrow", purpose: "recipient", keyType: "rsa3072" });
const recipients = [cloud.certPem, escrow.certPem];
const fingerprints = recipients.map(certificateFingerprint);

const figures = SUMMARY_PROFILES.map((profile) => {
  const payloads = Array.from({ length: count }, (_, i) => samplePayload(i + 1, cdrs, fingerprints));
  for (const payload of payloads.slice(0, 200)) sealEnvelope(profile, payload, signer, recipients);
  const fromCpu = process.cpuUsage();
  const from = performance.now();
  const sealed = payloads.map((payload) => sealEnvelope(profile, payload, signer, recipients));
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(fromCpu);
  for (let i = 0; i < count; i += 10) {
    const bytes = sealed[i] ?? Buffer.alloc(0);
    const { payload } = openEnvelope(bytes, { key: cloud.keyPem, cert: cloud.certPem }, signer.certPem);
    if (payload.seq !== i + 1 || payload.cdrs.length !== cdrs)
      throw new Error(`number ${i + 1} opens as another`);
  }
  return {
    profile,
    per_s: Math.round(count / seconds),
    cpu_us: Math.round((user + system) / count),
    bytes: Math.round(sealed.reduce((sum, { length }) => sum + length, 0) / count),
  };
});

if (values.json) process.stdout.write(`${JSON.stringify({ summaries: count, cdrs, figures })}\n`);
else
  for (const { profile, per_s, cpu_us, bytes } of figures)
    process.stdout.write(`${profile}: ${per_s} summaries/s, ${cpu_us} µs CPU each, ${bytes} bytes\n`);
