import { describe, expect, it } from "vitest";
import { cdrList, cdrShow } from "../../src/cli/cdr.ts";
import { cdrExplain } from "../../src/cli/cdr-explain.ts";
import { sessionsShow } from "../../src/cli/sessions.ts";
import { CdrSchema } from "../../src/model/cdr-schema.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { after, captured, credited, writtenLog } from "./depot-log.ts";

/** Facts as the upstream sinks append them. */
const sealedAs = (state: "acknowledged" | "rejected", ids: string[]): NewEvent[] => {
  const name = { epoch: 1, seq: 4, sha256: "ab".repeat(32) };
  const base = { atMs: 0, station: null };
  return [
    {
      ...base,
      type: "summary.sealed",
      key: "summary.sealed:1:4",
      body: { ...name, size: 10, cdr_ids: ids, recipients: [], through_offset: 1 },
    },
    state === "acknowledged"
      ? { ...base, type: "summary.acknowledged", key: "summary.acknowledged:1:4", body: name }
      : { ...base, type: "summary.rejected", key: "summary.rejected:1:4", body: { ...name, reason: "no" } },
  ];
};

async function listed(data: string, options: { limit?: number; from?: string; to?: string } = {}) {
  const { out, io } = captured();
  expect(await cdrList({ data, limit: 20, json: true, ...options }, io)).toBe(0);
  return out.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("cdr list", () => {
  it("tells each bill with its state and the summary it left in, newest first", async () => {
    const { data, cdrs } = await writtenLog(undefined, (made) => [
      ...made,
      ...sealedAs("acknowledged", ["cdr-s3-3"]),
    ]);
    const rows = await listed(data);
    expect(rows.map(({ id }) => id)).toEqual(cdrs.map(({ id }) => id).reverse());
    expect(rows.at(-1)).toEqual({
      id: "cdr-s3-3",
      session_id: "s3-3",
      evse_uid: "cp-01/1",
      start: "2026-03-02 19:00:00 +01:00",
      start_date_time: "2026-03-02T18:00:00.000Z",
      total_energy: "3.000",
      total_incl_vat: cdrs[0]?.total_cost.incl_vat,
      currency: "SEK",
      state: "issued",
      summary: { epoch: 1, seq: 4, state: "acknowledged" },
    });
    expect(rows[0]?.summary).toBe(null);
    const { out, io } = captured();
    await cdrList({ data, limit: 1 }, io);
    expect(out.stdout.split("\n")).toHaveLength(3);
    expect(out.stderr).toBe("showing the newest 1; --limit <n> shows more\n");
  });

  it("chooses by days of the site's calendar and by instants", async () => {
    const { data } = await writtenLog();
    expect(await listed(data, { from: "2026-03-02", to: "2026-03-02" })).toHaveLength(2);
    expect(await listed(data, { from: "2026-03-03" })).toHaveLength(0);
    expect(await listed(data, { from: "2026-03-02T18:05:00Z" })).toHaveLength(1);
    expect(await listed(data, { to: "2026-03-02T19:05:00+01:00", limit: 5 })).toHaveLength(1);
  });

  it.each(["yesterday", "2026-13-01", "2026-03-02T18:05"])("refuses --from %s", async (from) => {
    const { data } = await writtenLog();
    await expect(cdrList({ data, limit: 1, from }, captured().io)).rejects.toMatchObject({ code: "LP803" });
  });

  it("tells a credit from what it credits, and a refusal from a receipt", async () => {
    const { data } = await writtenLog(undefined, (made) => [
      ...after(made, credited),
      ...sealedAs("rejected", ["cdr-s3-3-C"]),
    ]);
    const states = (await listed(data)).map(({ id, state, summary }) => [id, state, summary?.state]);
    expect(states[0]).toEqual(["cdr-s3-3-C", "credit", "rejected"]);
    expect(states).toContainEqual(["cdr-s3-3", "credited", undefined]);
  });
});

describe("cdr show and explain", () => {
  it("show gives the stored object, whose numbers stay decimal text and which its schema knows", async () => {
    const { data, cdrs } = await writtenLog();
    for (const [id, cdr] of [
      ["cdr-s3-3", cdrs.find(({ id }) => id === "cdr-s3-3")],
      ["s3-3", cdrs.find(({ id }) => id === "cdr-s3-3")],
    ] as const) {
      const { out, io } = captured();
      expect(await cdrShow({ data, id, json: true }, io)).toBe(0);
      expect(JSON.parse(out.stdout)).toEqual(cdr);
    }
    for (const cdr of cdrs) expect(CdrSchema.parse(cdr)).toEqual(cdr);
  });

  it("explain aligns the lines and says that they sum, in both languages", async () => {
    const { data } = await writtenLog();
    const said: string[] = [];
    for (const lang of ["sv", "en"] as const) {
      const { out, io } = captured();
      expect(await cdrExplain({ data, id: "cdr-s3-3", lang }, io)).toBe(0);
      said.push(out.stdout);
    }
    expect(said[0]).toContain("Raderna summerar exakt till totalbeloppen.");
    expect(said[0]).toContain("mätare M-7: 10000 Wh – 13000 Wh");
    expect(said[1]).toContain("The lines sum exactly to the totals.");
    expect(said[1]).toMatch(/1 +Energy +3\.000 +3\.000 +kWh +2\.50 +SEK\/kWh +25 +7\.5000 +1\.8750 +9\.3750/);
    expect(said[1]).toContain("2026-03-02 19:00:00 +01:00 – 2026-03-02 19:10:00 +01:00");
  });

  it("sessions show has the same words under the session", async () => {
    const { data } = await writtenLog();
    const [one, other] = [captured(), captured()];
    await cdrExplain({ data, id: "s3-3", lang: "en" }, one.io);
    await sessionsShow({ data, id: "s3-3" }, other.io);
    expect(other.out.stdout).toContain(one.out.stdout);
    expect(other.out.stdout).toMatch(/^session s3-3 at cp-01\/1\n/);
  });

  it("a credited session has no bill to show, and its credit is explained", async () => {
    const { data } = await writtenLog(undefined, (made) => after(made, credited));
    const [shown, explained] = [captured(), captured()];
    await sessionsShow({ data, id: "s3-3" }, shown.io);
    expect(shown.out.stdout).toContain("credited: there is no bill");
    expect(shown.out.stdout).not.toContain("Bill cdr");
    await cdrExplain({ data, id: "cdr-s3-3-C", lang: "en" }, explained.io);
    expect(explained.out.stdout).toContain("Credit of cdr-s3-3: all its amounts, negated.");
    expect(explained.out.stdout).toContain("−9.3750");
  });

  it("an unknown id says what to do", async () => {
    const { data } = await writtenLog();
    for (const work of [cdrShow, cdrExplain]) {
      const { out, io } = captured();
      expect(await work({ data, id: "cdr-none", lang: "en" }, io)).toBe(1);
      expect(out).toEqual({ stdout: "", stderr: expect.stringContaining("laddport cdr list") });
    }
  });

  it("a CDR of an older release is explained with what it has", async () => {
    const { data } = await writtenLog(undefined, (made) =>
      made.map((event) => {
        if (event.type !== "cdr.issued") return event;
        const { time_zone: _, payable: __, unbilled_time: ___, warnings: ____, ...body } = event.body;
        const lines = body.lines.map(({ from: _, to: __, measured_units: ___, ...line }) => line);
        return { ...event, body: { ...body, lines } } as unknown as NewEvent;
      }),
    );
    const { out, io } = captured();
    expect(await cdrExplain({ data, id: "cdr-s3-3", lang: "en", json: true }, io)).toBe(0);
    expect(JSON.parse(out.stdout)).toMatchObject({ time_zone: "UTC", sum_check: { agrees: true } });
  });
});
