import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cdr } from "../../src/model/cdr.ts";
import type { SessionRecord } from "../../src/model/session.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { verifyCdr } from "../../src/rules/verify-cdr.ts";
import { tariffVersion } from "../../src/workers/folds.ts";
import { ratedSession } from "./rated-session.ts";

const runs = process.env.DEEP ? 2000 : 100;
const tzdata = "2026a";

const verdictOn = (cdr: Cdr, ...records: SessionRecord[]) =>
  verifyCdr(cdr, { records, tariffHash: tariffVersion(cdr.tariff.body).hash, tzdata });

/** As the log gives it back. */
const stored = (session: SessionRecord) => {
  const cdr = cdrOf(session, { site: "north", tzdata });
  return cdr && (JSON.parse(JSON.stringify(cdr)) as Cdr);
};

const DIGIT = /"-?[\d.]*\d[\d.]*"|:-?\d+/g;

/** The JSON of a CDR with the digit at one of its numbers raised by one. */
function tampered(cdr: Cdr, pick: number): Cdr {
  const text = JSON.stringify(cdr);
  const places = [...text.matchAll(DIGIT)];
  const place = places[pick % places.length];
  if (!place) return cdr;
  const at = place.index + place[0].search(/\d/);
  const digit = (Number(text[at]) + 1) % 10;
  // A whole number has no leading zero.
  const whole = digit === 0 && place[0].startsWith(":") ? 1 : digit;
  return JSON.parse(text.slice(0, at) + String(whole === Number(text[at]) ? 2 : whole) + text.slice(at + 1));
}

describe("verifying a CDR", () => {
  it("any bill is the same when its session is rated again", () => {
    fc.assert(
      fc.property(ratedSession, (session) => {
        const cdr = stored(session);
        fc.pre(cdr !== undefined);
        if (cdr) expect(verdictOn(cdr, session)).toMatchObject({ outcome: "same", record: 0, faults: [] });
      }),
      { numRuns: runs },
    );
  });

  it("one changed digit anywhere is found", () => {
    fc.assert(
      fc.property(ratedSession, fc.nat(), (session, pick) => {
        const cdr = stored(session);
        fc.pre(cdr !== undefined);
        if (!cdr) return;
        const { id, remark, cdr_location } = cdr;
        // The name of a bill, what it says it corrects and the site are not of the rating.
        const changed = { ...tampered(cdr, pick), id, ...(remark ? { remark } : {}), cdr_location };
        fc.pre(JSON.stringify(changed) !== JSON.stringify(cdr));
        expect(verdictOn(changed, session).outcome).not.toBe("same");
      }),
      { numRuns: runs },
    );
  });

  it("is compared with the record that it came from, of those there are", () => {
    const [session] = fc.sample(
      ratedSession.filter((s) => stored(s) !== undefined && s.energy_wh > 0),
      {
        numRuns: 1,
        seed: 7,
      },
    );
    if (!session) throw new Error("a session");
    const cdr = stored(session) as Cdr;
    const other = { ...session, token_ref: "another" };
    expect(verdictOn(cdr, other, session)).toMatchObject({ outcome: "same", record: 1 });
    expect(verdictOn(cdr, other)).toMatchObject({
      outcome: "different",
      differences: [{ path: "cdr_token", stored: '"tok"', computed: '"another"' }],
    });
  });

  it("a record that cannot be rated is a fault and no crash", () => {
    const [session] = fc.sample(
      ratedSession.filter((s) => stored(s) !== undefined && s.energy_wh > 0),
      {
        numRuns: 1,
        seed: 7,
      },
    );
    if (!session) throw new Error("a session");
    const verdict = verdictOn(stored(session) as Cdr, { ...session, energy_wh: 0.5 });
    expect(verdict).toMatchObject({
      outcome: "different",
      money: null,
      faults: [expect.stringContaining("cannot be rated again")],
    });
    const held = { ...session, held: [{ code: "NO_REGISTER" as const, detail: "" }] };
    expect(verdictOn(stored(session) as Cdr, held).faults).toEqual([
      "the session gives no bill here: it waits for a person, or nothing in it is billable",
    ]);
  });

  it("where other rules give no bill, that is told and is no fault", () => {
    const [session] = fc.sample(
      ratedSession.filter((s) => stored(s) !== undefined),
      { numRuns: 1, seed: 7 },
    );
    const cdr = stored(session as SessionRecord) as Cdr;
    const older = { ...cdr, rules: { ...cdr.rules, version: "rate-0" } };
    const held = [{ code: "NO_PRICE" as const, detail: "" }];
    expect(verdictOn(older, { ...(session as SessionRecord), held })).toMatchObject({
      outcome: "other_rules",
      unrated: expect.stringContaining("waits for a person"),
      money: null,
    });
  });

  it("other time zone data are told apart from a wrong bill", () => {
    const [session] = fc.sample(
      ratedSession.filter((s) => stored(s) !== undefined),
      { numRuns: 1, seed: 7 },
    );
    const cdr = stored(session as SessionRecord) as Cdr;
    const elsewhere = { ...cdr, rules: { ...cdr.rules, tzdata: "2025b" } };
    expect(verdictOn(elsewhere, session as SessionRecord)).toMatchObject({
      outcome: "other_rules",
      rules: [{ what: "tzdata", stored: "2025b", here: tzdata }],
      money: { excl_vat: "0.0000", incl_vat: "0.0000", payable: "0.0000" },
    });
    const { tariff } = elsewhere;
    const lying = { ...elsewhere, tariff: { ...tariff, hash: "0".repeat(64) } };
    expect(verdictOn(lying, session as SessionRecord).outcome).toBe("different");
  });
});
