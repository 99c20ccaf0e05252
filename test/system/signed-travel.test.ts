/** Signed values through the whole gateway: billed, sealed for the cloud, exported, and nowhere in the log. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { cdrSigned } from "../../src/cli/cdr-signed.ts";
import { ocmfVerify } from "../../src/cli/ocmf.ts";
import { summaryOpen } from "../../src/cli/summary.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { SummarySchema } from "../../src/model/summary-schema.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { connected } from "../faults/kill-harness.ts";
import { StationClient } from "../faults/station-client.ts";
import { everyByte } from "../log/every-byte.ts";
import { scratchDir } from "../log/sample-events.ts";
import { BEGIN, END, METER, payload, signedText } from "../rules/ocmf/signed.ts";
import { depot, started } from "./small-depot.ts";

const ID = "04A1B2C3D4E5F6";
const FIRST = signedText(payload({ ID, PG: "T7", RD: [BEGIN] }));
const LAST = signedText(payload({ ID, PG: "T8", RD: [END] }));

function io() {
  const told = { out: "", err: "" };
  const into = (name: "out" | "err") => ({
    write(text: string) {
      told[name] += text;
    },
  });
  return { stdout: into("out"), stderr: into("err"), told };
}

describe("signed values", () => {
  it("reach the cloud sealed, and leave as the transparency software's XML until they are erased", async () => {
    const keys = issueCertificate({ name: "receiver", purpose: "recipient" });
    const dir = scratchDir();
    const cloud = createCloud({ site: "demo", ...keys, storeDir: join(dir, "summaries") });
    await cloud.start();
    onTestFinished(() => cloud.stop());
    writeFileSync(join(dir, "receiver.pem"), keys.certPem);
    writeFileSync(join(dir, "receiver.key"), keys.keyPem, { mode: 0o600 });
    const { made, passwords, port } = await depot(
      `upstream: {url: ${cloud.url}, recipient_cert_files: [${join(dir, "receiver.pem")}], interval_s: 60}\n`,
    );
    const gateway = started(made.config, made.data);
    await gateway.start();
    const id = [...passwords.keys()].find((name) => name.startsWith("cp-")) as string;
    const at = Date.now() - 7_200_000;
    const tx = (event: string, ms: number, wh: number, data: string) => ({
      topic: `laddport/v1/${made.site}/in/${id}/1/tx`,
      body: {
        ts: new Date(at + ms).toISOString(),
        event,
        tx_ref: "t1",
        energy_import_wh: wh,
        token: { uid: ID, type: "rfid" },
        signed: { format: "OCMF", data, public_key: METER.key },
      },
    });
    const messages = [tx("started", 0, 100_500, FIRST), tx("ended", 3_000_000, 112_500, LAST)];
    const client = new StationClient(id, passwords.get(id) as string, "b1", 4, () => messages.shift());
    await connected(client, port);
    await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(2);
    expect(await gateway.flush(60_000)).toBe(true);
    const [session] = await gateway.sessions();
    expect(session).toMatchObject({ billed_wh: 12_250, held: false });
    client.drop();
    await gateway.stop("test");

    const [records] = [...cloud.signedRecords.values()];
    expect(records).toEqual({
      cdr_id: [...cloud.cdrs.keys()][0],
      public_key: METER.key,
      values: [
        { nature: "Start", signed_data: FIRST },
        { nature: "End", signed_data: LAST },
      ],
    });
    const [file] = readdirSync(join(dir, "summaries"));
    const opened = io();
    const summary = { file: join(dir, "summaries", file as string), key: join(dir, "receiver.key") };
    expect(await summaryOpen({ ...summary, json: true }, opened)).toBe(0);
    const { signer: _, ...content } = JSON.parse(opened.told.out);
    expect(SummarySchema.parse(content).signed_records).toEqual([records]);
    expect(readFileSync(summary.file).includes(ID)).toBe(false);

    const rows = everyByte(join(made.data, "log.db"));
    expect(rows.includes("signed_data")).toBe(true);
    expect(rows.includes(ID) || rows.includes("OCMF|")).toBe(false);

    const xml = join(dir, "receipt.xml");
    const of = { data: made.data, config: made.config, id: session?.session_id as string };
    const exported = io();
    expect(await cdrSigned({ ...of, xml }, exported)).toBe(0);
    const verified = io();
    expect(await ocmfVerify({ file: xml, json: true }, verified)).toBe(0);
    expect(JSON.parse(verified.told.out)).toMatchObject({ verified: true, billable: true });
    const printed = io();
    expect(await cdrSigned(of, printed)).toBe(0);
    expect(printed.told.out).toBe(`${FIRST}\n${LAST}\n`);

    const eraser = new DatabaseSync(join(made.data, "subjects.db"));
    eraser.exec("DELETE FROM subject");
    eraser.close();
    const erased = io();
    expect(await cdrSigned({ ...of, json: true }, erased)).toBe(1);
    expect(erased.told.err).toContain("erased: its key was destroyed");
    expect(JSON.parse(erased.told.out).values).toMatchObject([{ signed_data: null }, { signed_data: null }]);
    expect(await cdrSigned({ ...of, id: "cdr-none" }, io())).toBe(1);
  });
});
