/** The outbox (seal and upstream) under kill -9, with a cloud outside of it that loses every fifth receipt. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { newFolder, openOutbox, removeFolder, until } from "../sinks/outbox.ts";
import { sampleCdr } from "../workers/sample-summary.ts";

const KILLS = Number(process.env.KILLS ?? 20);
/** Summaries of three CDRs: work for every run. */
const CDRS = KILLS * 300;

test(`killed ${KILLS} times: every CDR reaches the cloud in one summary, gapless and chained`, async () => {
  const dir = await newFolder();
  const signer = issueCertificate({ name: "gw-ringon", purpose: "signer" });
  const receiver = issueCertificate({ name: "cloud", purpose: "recipient" });
  const loseReceipt = (arrival: number) => arrival % 5 === 0;
  const cloud = createCloud({ site: "ringon", ...receiver, signerPem: signer.certPem, loseReceipt });
  await cloud.start();
  await writeFile(join(dir, "settings.json"), JSON.stringify({ signer, recipients: [receiver.certPem] }));
  let child: ChildProcess | undefined;
  try {
    const before = await openOutbox(dir);
    await before.issue(0, CDRS, Date.now() - 3_600_000);
    await before.close();
    let interrupted = 0;
    for (let run = 0; run <= KILLS; run += 1) {
      child = fork(new URL("./outbox-child.ts", import.meta.url), [dir, cloud.url], { stdio: "inherit" });
      const gone = once(child, "exit");
      await once(child, "message");
      if (run === KILLS) await until("all CDRs came", () => cloud.totals().cdrs === CDRS);
      else await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
      if (run < KILLS && cloud.totals().cdrs < CDRS) interrupted += 1;
      child.kill("SIGKILL");
      await gone;
    }
    expect(interrupted, "kills while there was work left").toBeGreaterThan(KILLS / 4);
    const after = await openOutbox(dir);
    const sealed = await after.facts("summary.sealed");
    const acknowledged = await after.facts("summary.acknowledged");
    await after.close();
    const all = Array.from({ length: CDRS }, (_, n) => sampleCdr(n).id);
    expect(sealed.flatMap(({ body }) => body.cdr_ids)).toEqual(all);
    expect(sealed.map(({ body }) => body.seq)).toEqual(sealed.map((_, i) => i + 1));
    expect(new Set(acknowledged.map(({ key }) => key)).size).toBe(acknowledged.length);
    expect(cloud.totals()).toMatchObject({
      ...{ cdrs: CDRS, cdr_duplicates: 0, gaps: 0, chain_breaks: 0, rejected: 0 },
      summaries_opened: sealed.length,
    });
  } finally {
    child?.kill("SIGKILL");
    await cloud.stop();
    await removeFolder(dir);
  }
});
