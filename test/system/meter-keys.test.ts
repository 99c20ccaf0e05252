/** A meter whose key changes, through the whole gateway: first key, other key, hold, acceptance, release, bill. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { decide, holdList } from "../../src/cli/cdr-hold.ts";
import { keyAccept, keyList } from "../../src/cli/meter-keys.ts";
import type { Gateway } from "../../src/main.ts";
import { connected } from "../faults/kill-harness.ts";
import { StationClient } from "../faults/station-client.ts";
import { BEGIN, END, METER, payload, type Signer, signedText, signerOn } from "../rules/ocmf/signed.ts";
import { depot, started } from "./small-depot.ts";

const io = () => {
  const texts = { out: "", err: "" };
  return {
    stdout: {
      write(text: string) {
        texts.out += text;
      },
    },
    stderr: {
      write(text: string) {
        texts.err += text;
      },
    },
    texts,
  };
};

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("keys of meters", () => {
  it("A, then B held, accepted and billed by the signed energy; back to A the same way", async () => {
    const { made, passwords, port, dir } = await depot();
    const gateway = started(made.config, made.data);
    await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const id = [...passwords.keys()].find((name) => name.startsWith("cp-")) as string;
    const messages: { topic: string; body: object }[] = [];
    const client = new StationClient(id, passwords.get(id) as string, "b1", 4, () => messages.shift());
    await connected(client, port);
    onTestFinished(() => client.drop());
    let hours = 0;
    let page = 0;
    /** An hour of 12,000 Wh by its registers and 12,250 Wh by its signed values. */
    const charge = async (signer: Signer, count: number) => {
      const at = Date.now() - 86_400_000 + ++hours * 3_600_000;
      const topic = `laddport/v1/${made.site}/in/${id}/1/tx`;
      const tx = (event: string, ms: number, wh: number, RD: object[]) => ({
        topic,
        body: {
          ts: new Date(at + ms).toISOString(),
          event,
          tx_ref: `t${hours}`,
          energy_import_wh: wh,
          token: { uid: "04A1B2C3", type: "rfid" },
          signed: {
            format: "OCMF",
            data: signedText(payload({ PG: `T${++page}`, RD }), { signer }),
            public_key: signer.key,
          },
        },
      });
      messages.push(tx("started", 0, 100_500, [BEGIN]), tx("ended", 3_000_000, 112_500, [END]));
      client.pump();
      await expect.poll(async () => (await gateway.sessions()).length, { timeout: 30_000 }).toBe(count);
    };
    const last = async () => (await gateway.sessions()).at(-1);
    const listed = async () => {
      const told = io();
      await keyList({ data: made.data, json: true }, told);
      return lines(told.texts.out);
    };
    const by = { by: "anna", config: made.config, json: true };

    await charge(METER, 1);
    await billed(gateway, 1);
    const other = signerOn();
    await charge(other, 2);
    expect(await last()).toMatchObject({ held: true, billed_wh: null, energy_wh: 12_250 });
    const held = (await last())?.session_id as string;
    expect(await listed()).toMatchObject([
      { state: "accepted", meter_serial: "M-1", number: 1, public_key: METER.key, by: "gateway" },
      { state: "waiting", meter_serial: "M-1", public_key: other.key, accepted: false, sessions: [held] },
    ]);

    const accepted = io();
    expect(await keyAccept({ ...by, serial: "M-1", reason: "meter exchanged" }, accepted)).toBe(0);
    expect(lines(accepted.texts.out)).toMatchObject([
      { public_key: other.key, by: "anna", sessions: [held] },
    ]);
    expect(await decide("release", { ...by, id: held, reason: "the key is right" }, io())).toBe(0);
    await billed(gateway, 2);
    await charge(other, 3);
    await billed(gateway, 3);

    await charge(METER, 4);
    expect(await last()).toMatchObject({ held: true });
    const pem = join(dir, "meter.pem");
    const base64 = Buffer.from(METER.key, "hex").toString("base64");
    writeFileSync(pem, `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`);
    expect(await keyAccept({ ...by, serial: "M-1", key: pem, reason: "the old one is back" }, io())).toBe(0);
    expect((await listed()).map(({ state, public_key, number }) => [state, public_key, number])).toEqual([
      ["replaced", METER.key, 1],
      ["replaced", other.key, 2],
      ["accepted", METER.key, 3],
      ["waiting", METER.key, undefined],
    ]);
    await charge(METER, 5);
    expect(await last()).toMatchObject({ held: false });

    const refused = async (serial: string, key?: string) => {
      const told = io();
      const code = await keyAccept({ ...by, serial, ...(key ? { key } : {}), reason: "try it" }, told);
      return `${code} ${told.texts.err.split(" ")[0]}`;
    };
    expect(await refused("M-1", METER.key)).toBe("1 ALREADY_ACCEPTED");
    expect(await refused("M-2")).toBe("1 NO_KEY_SEEN");
    await expect(refused("M-2", "no key")).rejects.toThrow("--key: the public key");

    const shown = io();
    await keyList({ data: made.data }, shown);
    expect(shown.texts.out).toMatch(/M-1 .* replaced .* gateway .*\n.*anna/s);
    const holds = io();
    await holdList({ data: made.data, json: true }, holds);
    expect(lines(holds.texts.out)).toMatchObject([{ held: [{ code: "SIGNATURE_KEY_UNKNOWN" }] }]);
  });
});

/** The newest ended sessions are billed by their signed energy, `count` in all. */
async function billed(gateway: Gateway, count: number): Promise<void> {
  const bills = async () => (await gateway.sessions()).map(({ billed_wh }) => billed_wh);
  await expect.poll(bills, { timeout: 30_000 }).toEqual(Array(count).fill(12_250));
}
