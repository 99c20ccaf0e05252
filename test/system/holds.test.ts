/** A held session in a whole gateway: a person decides over the API and on the command line, and the bill follows. */
import { describe, expect, it, onTestFinished } from "vitest";
import { decide, holdList } from "../../src/cli/cdr-hold.ts";
import { sessionsList } from "../../src/cli/sessions.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { connected } from "../faults/kill-harness.ts";
import { factsOf } from "../faults/log-books.ts";
import { StationClient } from "../faults/station-client.ts";
import { depot, started } from "./small-depot.ts";

const io = () => {
  const said = { out: "", err: "" };
  const to = (stream: "out" | "err") => ({
    write: (text: string) => {
      said[stream] += text;
    },
  });
  return { stdout: to("out"), stderr: to("err"), said };
};

/** A megawatt hour in ten minutes: what no connector delivers. */
async function implausible(id: string, password: string, site: string, port: number): Promise<void> {
  const topic = `laddport/v1/${site}/in/${id}/1/tx`;
  const startMs = Date.now() - 600_000;
  const at = (ms: number) => new Date(startMs + ms).toISOString();
  const bodies = [
    { ts: at(0), event: "started", tx_ref: "t1", energy_import_wh: 1000, token: { uid: "04AA" } },
    { ts: at(600_000), event: "ended", tx_ref: "t1", energy_import_wh: 1_001_000, reason: "local" },
  ];
  const queue = bodies.map((body) => ({ topic, body }));
  const client = new StationClient(id, password, "b1", 1, () => queue.shift());
  await connected(client, port);
  await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(2);
}

describe("a held session", () => {
  it("is listed, released by one person, voided by none after, and billed once", async () => {
    const { made, passwords, port } = await depot();
    const gateway = started(made.config, made.data);
    const { api } = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const [first, second] = [...passwords.keys()].filter((id) => id.startsWith("cp-"));
    for (const id of [first, second])
      await implausible(id ?? "", passwords.get(id ?? "") ?? "", made.site, port);
    const held = async () => (await factsOf(made.data, "session.ended")).map((e) => e.body.session_id);
    await expect.poll(async () => (await held()).length, { timeout: 60_000 }).toBe(2);
    const [released = "", voided = ""] = await held();

    const token = readSecret(loadConfig(made.config, { env: {} }).api.tokenFile);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const get = async (path: string) =>
      (await (await fetch(`${api}/api/v1/${path}`, { headers })).json()) as Record<string, unknown>;
    const { holds } = (await get("holds")) as { holds: { session_id: string; held: { code: string }[] }[] };
    expect(holds.map((h) => [h.session_id, h.held[0]?.code])).toEqual([
      [released, "IMPLAUSIBLE_ENERGY"],
      [voided, "IMPLAUSIBLE_ENERGY"],
    ]);
    await expect.poll(async () => (await get("status")).sessions_held, { timeout: 20_000 }).toBe(2);

    const waiting = io();
    expect(await holdList({ data: made.data }, waiting)).toBe(0);
    expect(waiting.said.out).toMatch(
      new RegExp(
        `^${released} +${first}/1 +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d +1000\\.000 +IMPLAUSIBLE_ENERGY$`,
        "m",
      ),
    );
    expect(waiting.said.out).toContain(`${released}: More energy than the connection can deliver`);

    const why = { by: "anna", reason: "the meter was exchanged" };
    const on = (id: string, more = why) => ({ config: made.config, id, ...more });
    const spoken = io();
    expect(await decide("release", on(released), spoken)).toBe(0);
    expect(spoken.said.out).toBe(`${released} released by anna: the meter was exchanged\n`);
    const late = io();
    expect(await decide("void", on(released), late)).toBe(1);
    expect(late.said.err).toMatch(/^NOT_HELD .* is not held: it is billed\. Take a bill back/);
    // Sixteen decisions at once: the log takes one.
    const race = await Promise.all(
      Array.from({ length: 16 }, () => {
        const path = `${api}/api/v1/holds/${voided}/void`;
        return fetch(path, { method: "POST", headers, body: JSON.stringify(why) }).then((r) => r.status);
      }),
    );
    expect(race.toSorted()).toEqual([200, ...Array(15).fill(409)]);
    expect(await decide("release", on("s9-9"), io())).toBe(1);

    await expect.poll(async () => (await get("status")).sessions_held, { timeout: 20_000 }).toBe(0);
    await expect
      .poll(async () => (await factsOf(made.data, "cdr.issued")).length, { timeout: 20_000 })
      .toBe(1);
    const [bill] = await factsOf(made.data, "cdr.issued");
    expect(bill?.body).toMatchObject({
      id: `cdr-${released}`,
      energy_wh: 1_000_000,
      remark: "released after hold: IMPLAUSIBLE_ENERGY",
    });
    expect(
      (await factsOf(made.data, "alert.cleared")).filter((e) => e.body.kind === "session_held"),
    ).toHaveLength(2);

    expect(
      await decide("credit", on(`cdr-${released}`, { by: "anna", reason: "was free after all" }), io()),
    ).toBe(0);
    await expect
      .poll(async () => (await factsOf(made.data, "cdr.issued")).length, { timeout: 20_000 })
      .toBe(2);
    const again = io();
    expect(await decide("credit", on(`cdr-${released}`), again)).toBe(1);
    expect(again.said.err).toContain("CDR_NOT_STANDING");
    const credit = io();
    expect(await decide("credit", on(`cdr-${released}-C`), credit)).toBe(1);
    expect(credit.said.err).toMatch(/^CDR_NOT_STANDING CDR cdr-.*-C is a credit itself\. /);

    const listed = io();
    await holdList({ data: made.data, all: true, json: true }, listed);
    const lines = listed.said.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((l) => [l.session_id, l.state, l.by])).toEqual([
      [released, "released", "anna"],
      [voided, "voided", "anna"],
      [released, "credited", "anna"],
    ]);
    const { sessions: shown } = await get("sessions?limit=5");
    expect(shown).toMatchObject([
      { session_id: voided, state: "voided", revision: 2 },
      { session_id: released, state: "credited", revision: 3, energy_wh: 1_000_000 },
    ]);
    const sessions = io();
    await sessionsList({ data: made.data, limit: 5, json: true }, sessions);
    expect(
      sessions.said.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).state),
    ).toEqual(["voided", "credited"]);
  });

  it("who decides and why are looked at before the gateway is asked", async () => {
    const options = { config: "none.yaml", id: "s1-1", by: "anna", reason: "no reason" };
    const said = (more: object) => decide("void", { ...options, ...more }, io()).catch(String);
    expect(await said({ by: "anna b" })).toBe(
      'LP803 --by "anna b" is no operator\'s id. Write 1 to 64 letters, digits or . _ @ -.',
    );
    expect(await said({ reason: " x " })).toBe(
      'LP803 --reason " x " does not say why. Write 3 to 500 characters.',
    );
  });

  it("cannot be decided without a running gateway, which the message says", async () => {
    const { made } = await depot();
    const spoken = io();
    const options = { config: made.config, id: "s1-1", by: "anna", reason: "no reason" };
    expect(await decide("release", options, spoken)).toBe(1);
    expect(spoken.said.err).toMatch(
      /^no gateway answers at http:\/\/127\.0\.0\.1:\d+: .*Start it: laddport run\n$/,
    );
  });
});
