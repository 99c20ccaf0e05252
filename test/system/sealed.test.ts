/** Sealed summaries through the whole gateway: the payer and the contract, signed receipts, export, a renewed receiver. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { summaryExport } from "../../src/cli/summary-log.ts";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { EventOf } from "../../src/model/event.ts";
import type { SummaryPayload } from "../../src/model/summary.ts";
import { SummarySchema } from "../../src/model/summary-schema.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { openSummaryFile } from "../../src/workers/summary-open.ts";
import { captured } from "../cli/depot-log.ts";
import { connected } from "../faults/kill-harness.ts";
import { StationClient } from "../faults/station-client.ts";
import { everyByte } from "../log/every-byte.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "./small-depot.ts";

const CONTRACT = "SE-ABC-C12345678-9";

const recipient = (name: string) => issueCertificate({ name, purpose: "recipient" });

async function factsOf<T extends "cdr.issued" | "summary.acknowledged">(data: string, type: T) {
  const reader = openSqliteReader(join(data, "log.db"));
  const { events } = await reader.read(0, { types: [type] });
  await reader.close();
  return events as EventOf<T>[];
}

describe.each(["cms-1", "jose-1"] as const)("sealed summaries of %s", (profile) => {
  it("name payer and contract for the cloud alone, settle by signed receipts, and leave for plain openssl", async () => {
    const [keys, escrow] = [recipient("receiver"), recipient("escrow")];
    const receipts = issueCertificate({ name: "receipts", purpose: "signer" });
    const dir = scratchDir();
    const seen: SummaryPayload[] = [];
    const cloud = createCloud({
      ...{ site: "demo", ...keys, receiptKeyPem: receipts.keyPem },
      reject(payload) {
        seen.push(payload);
        return undefined;
      },
    });
    await cloud.start();
    onTestFinished(() => cloud.stop());
    const files = { receiver: keys.certPem, escrow: escrow.certPem, receipts: receipts.certPem };
    for (const [name, pem] of Object.entries(files)) writeFileSync(join(dir, `${name}.pem`), pem);
    const named = (key: string, name: string) => `${key}: ${join(dir, `${name}.pem`)}`;
    const { made, passwords, port } = await depot(
      `upstream: {url: ${cloud.url}, profile: ${profile}, recipient_cert_files: [${join(dir, "receiver.pem")}], ` +
        `${named("escrow_cert_file", "escrow")}, ${named("receipt_cert_file", "receipts")}, interval_s: 60}\n`,
    );
    const gateway = started(made.config, made.data);
    await gateway.start();
    const id = [...passwords.keys()].find((name) => name.startsWith("cp-")) as string;
    const at = Date.now() - 7_200_000;
    const tx = (event: string, ms: number, wh: number) => ({
      topic: `laddport/v1/${made.site}/in/${id}/1/tx`,
      body: {
        ...{ ts: new Date(at + ms).toISOString(), event, tx_ref: "t1", energy_import_wh: wh },
        token: { uid: CONTRACT, type: "emaid" },
      },
    });
    const messages = [tx("started", 0, 100_500), tx("ended", 3_000_000, 112_500)];
    const client = new StationClient(id, passwords.get(id) as string, "b1", 4, () => messages.shift());
    await connected(client, port);
    await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(2);
    expect(await gateway.flush(60_000)).toBe(true);
    client.drop();
    await gateway.stop("test");

    expect(seen).toHaveLength(1);
    const [payload] = seen;
    expect(SummarySchema.parse(payload)).toEqual(payload);
    expect(payload?.recipients).toEqual([keys.certPem, escrow.certPem].map(certificateFingerprint));
    const [cdr] = await factsOf(made.data, "cdr.issued");
    expect(payload?.cdrs[0]?.id).toBe(cdr?.body.id);
    expect(payload?.payers).toEqual([{ payer: payload?.cdrs[0]?.cdr_token, contract_id: CONTRACT }]);
    expect(cdr?.body.cdr_token).toMatch(/^[\w-]{22}$/);
    expect(JSON.stringify(payload)).not.toContain(cdr?.body.cdr_token);
    const [acknowledged] = await factsOf(made.data, "summary.acknowledged");
    expect(acknowledged?.body.receipt_jws).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    const log = everyByte(join(made.data, "log.db"));
    expect(log.includes(CONTRACT) || log.includes(payload?.cdrs[0]?.cdr_token ?? "")).toBe(false);

    const out = join(dir, "summary");
    expect(await summaryExport({ data: made.data, seq: 1, out }, captured().io)).toBe(0);
    for (const [name, { keyPem }] of Object.entries({ receiver: keys, escrow })) {
      const keyFile = join(dir, `${name}.key`);
      writeFileSync(keyFile, keyPem, { mode: 0o600 });
      const opened = await openSummaryFile({ file: out, keyFile, certFile: join(dir, `${name}.pem`) });
      expect(opened.summary).toEqual(payload);
    }
    if (profile === "jose-1") return;
    const own = ["-recip", join(dir, "receiver.pem"), "-inkey", join(dir, "receiver.key"), "-binary"];
    const signed = execFileSync("openssl", ["cms", "-decrypt", "-inform", "DER", "-in", out, ...own]);
    const config = readFileSync(made.config, "utf8");
    expect(config).toContain("secrets/gateway.pem");
    const trust = ["-CAfile", join(made.config, "../secrets/gateway.pem"), "-purpose", "any", "-binary"];
    const verify = ["cms", "-verify", "-inform", "DER", ...trust];
    const text = execFileSync("openssl", verify, { input: signed, stdio: ["pipe", "pipe", "ignore"] });
    expect(JSON.parse(text.toString())).toEqual(payload);
  });
});
