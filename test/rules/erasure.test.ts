import { describe, expect, it } from "vitest";
import { type ErasureScope, keptAfterErasure } from "../../src/rules/erasure.ts";

const at = (iso: string) => Date.parse(iso);
const SCOPE: ErasureScope = {
  sessions: 3,
  open: 0,
  cdrs: 2,
  lastBilledMs: at("2026-03-01T10:00:00Z"),
  groups: [],
  isForwarded: false,
  tokenFile: null,
};
const BOOKS = { booksYears: 7, fiscalYearEnd: "12-31", timeZone: "Europe/Stockholm" };
const PLACE = { country: "SE", books: BOOKS, quarantineDays: 30, nowMs: at("2026-11-25T12:00:00Z") };
const says = (kept: { what: string }[], words: RegExp) => kept.find(({ what }) => words.test(what));

describe("what an erasure keeps", () => {
  it("15: bills and their evidence until the law lets go, under a pseudonym that leads to nobody", () => {
    const kept = keptAfterErasure(SCOPE, PLACE);
    expect(says(kept, /^bills: 2, under a pseudonym that leads to nobody/)).toMatchObject({
      until: "2033-12-31",
      ground: expect.stringContaining("1999:1078"),
    });
    expect(says(kept, /^session records: 3/)).toMatchObject({ until: "2033-12-31" });
  });

  it("13: names the law of the country and its years", () => {
    const germany = keptAfterErasure(SCOPE, { ...PLACE, country: "DE", books: { ...BOOKS, booksYears: 8 } });
    expect(germany[0]).toMatchObject({ until: "2034-12-31", ground: expect.stringContaining("AO § 147") });
    const elsewhere = keptAfterErasure(SCOPE, {
      ...PLACE,
      country: "FR",
      books: { ...BOOKS, booksYears: 10 },
    });
    expect(elsewhere[0]).toMatchObject({ until: "2036-12-31", ground: "bookkeeping law of FR" });
  });

  it("15: of a company's fleet the link to the driver is dropped and the cost centre stays", () => {
    expect(
      says(keptAfterErasure({ ...SCOPE, groups: ["transport"] }, PLACE), /transport.*driver is gone/),
    ).toBeDefined();
  });

  it("41: a running session goes on, and what it will be billed for binds from its own year", () => {
    const kept = keptAfterErasure({ ...SCOPE, open: 1, cdrs: 0, lastBilledMs: null }, PLACE);
    expect(says(kept, /^running sessions: 1/)).toBeDefined();
    expect(says(kept, /^bills/)).toMatchObject({ until: "2033-12-31" });
  });

  it("names what lies elsewhere: quarantine, the cloud, the operator's own list", () => {
    const kept = keptAfterErasure({ ...SCOPE, isForwarded: true, tokenFile: "tokens.csv" }, PLACE);
    expect(says(kept, /quarantine/)).toMatchObject({ until: "2026-12-25" });
    expect(says(kept, /at the receiver/)).toBeDefined();
    expect(says(kept, /tokens\.csv/)).toBeDefined();
  });

  it("of who never charged nothing stays but what a day's key seals", () => {
    const kept = keptAfterErasure(
      { ...SCOPE, sessions: 0, cdrs: 0, lastBilledMs: null, isForwarded: true },
      PLACE,
    );
    expect(kept.map(({ what }) => what)).toEqual([expect.stringContaining("quarantine")]);
  });
});
