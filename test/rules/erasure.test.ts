import { describe, expect, it } from "vitest";
import { bookkeepingLaw, keptUntil } from "../../src/rules/bookkeeping.ts";
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
const PLACE = { country: "SE", timeZone: "Europe/Stockholm", nowMs: at("2026-11-25T12:00:00Z") };
const says = (kept: { what: string }[], words: RegExp) => kept.find(({ what }) => words.test(what));

describe("bookkeeping law", () => {
  it("13: keeps bills to the end of the seventh year in Sweden, the eighth in Germany, the tenth elsewhere", () => {
    const until = (country: string) =>
      keptUntil(bookkeepingLaw(country), at("2026-03-01T10:00:00Z"), "Europe/Stockholm");
    expect(until("SE")).toBe("2033-12-31");
    expect(until("DE")).toBe("2034-12-31");
    expect(until("FR")).toBe("2036-12-31");
  });

  it("13: takes the year of the site, not of UTC", () => {
    const newYear = at("2025-12-31T23:30:00Z");
    expect(keptUntil(bookkeepingLaw("SE"), newYear, "Europe/Stockholm")).toBe("2033-12-31");
    expect(keptUntil(bookkeepingLaw("SE"), newYear, "UTC")).toBe("2032-12-31");
  });
});

describe("what an erasure keeps", () => {
  it("15: bills and their evidence until the law lets go, under a pseudonym that leads to nobody", () => {
    const kept = keptAfterErasure(SCOPE, PLACE);
    expect(says(kept, /^bills: 2, under a pseudonym that leads to nobody/)).toMatchObject({
      until: "2033-12-31",
      ground: expect.stringContaining("1999:1078"),
    });
    expect(says(kept, /^session records: 3/)).toMatchObject({ until: "2033-12-31" });
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
