import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retentionClocksOf } from "../../src/config/retention.ts";
import { CLOCK_OF, FACT_CLOCKS, typesOn } from "../../src/model/retention.ts";
import { dateIn } from "../../src/rules/report-calendar.ts";
import { booksUntil, cutoffMs } from "../../src/rules/retention-cutoffs.ts";

const site = { country: "SE", timezone: "Europe/Stockholm" };
const retention = { eventDays: 90, seriesMonths: 25, auditMonths: 24, fiscalYearEnd: "12-31" };
const clocksOf = (over: object = {}, more: object = {}) =>
  retentionClocksOf({ site: { ...site, ...over }, retention: { ...retention, ...more } } as never);
const at = (iso: string) => Date.parse(iso);

describe("requirement 13: the ledger expires by country, at year end", () => {
  it("Sweden: the last day of the seventh year after the calendar year in which the fiscal year ended", () => {
    const clocks = clocksOf();
    expect(booksUntil(at("2026-03-01T12:00:00Z"), clocks)).toBe("2033-12-31");
    expect(cutoffMs("books", at("2033-12-31T22:59:00Z"), clocks)).toBe(at("2025-12-31T23:00:00Z"));
    // Midnight in Stockholm, an hour before midnight UTC.
    expect(cutoffMs("books", at("2033-12-31T23:00:00Z"), clocks)).toBe(at("2026-12-31T23:00:00Z"));
  });

  it("a broken fiscal year ends in the next calendar year for what came after its last day", () => {
    const clocks = clocksOf({}, { fiscalYearEnd: "06-30" });
    expect(booksUntil(at("2026-06-30T12:00:00Z"), clocks)).toBe("2033-12-31");
    expect(booksUntil(at("2026-07-01T12:00:00Z"), clocks)).toBe("2034-12-31");
    expect(cutoffMs("books", at("2034-01-01T12:00:00Z"), clocks)).toBe(at("2026-06-30T22:00:00Z"));
  });

  it("Germany keeps vouchers for 8 years, countries whose law is not known here for 10, a site what it chooses", () => {
    const of = (clocks: ReturnType<typeof clocksOf>) => booksUntil(at("2026-03-01T12:00:00Z"), clocks);
    expect(of(clocksOf({ country: "DE" }))).toBe("2034-12-31");
    expect(of(clocksOf({ country: "NO" }))).toBe("2036-12-31");
    expect(of(clocksOf({ country: "SE" }, { booksYears: 12 }))).toBe("2038-12-31");
  });

  it("what is kept until a day has not expired on it, and has on the next, for every fiscal year", () => {
    const md = fc
      .date({ min: new Date("2025-01-01"), max: new Date("2025-12-31"), noInvalidDate: true })
      .map((date) => date.toISOString().slice(5, 10))
      .filter((text) => text !== "02-29");
    const instants = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2040-01-01T00:00:00Z") });
    fc.assert(
      fc.property(md, instants, fc.integer({ min: 1, max: 12 }), (fiscalYearEnd, ms, booksYears) => {
        const clocks = clocksOf({}, { fiscalYearEnd, booksYears });
        const last = booksUntil(ms, clocks);
        const noon = at(`${last}T12:00:00Z`);
        expect(cutoffMs("books", noon, clocks)).toBeLessThanOrEqual(ms);
        expect(cutoffMs("books", noon + 86_400_000, clocks)).toBeGreaterThan(ms);
        expect(Number(last.slice(0, 4))).toBeGreaterThanOrEqual(
          Number(dateIn(ms, clocks.timeZone).slice(0, 4)) + booksYears,
        );
      }),
    );
  });
});

describe("requirement 14: defaults of the other clocks", () => {
  it("transactions 90 days, series 25 months, audit 2 years; a month that lacks the day ends with its last", () => {
    const now = at("2027-03-31T10:00:00Z");
    const clocks = clocksOf();
    expect(cutoffMs("events", now, clocks)).toBe(now - 90 * 86_400_000);
    expect(cutoffMs("series", now, clocks)).toBe(at("2025-02-28T10:00:00Z"));
    expect(cutoffMs("audit", now, clocks)).toBe(at("2025-03-31T10:00:00Z"));
  });

  it("every type of fact that names a person or a session is on a clock", () => {
    for (const clock of FACT_CLOCKS) expect(typesOn(clock).length).toBeGreaterThan(0);
    const named = [
      "transaction.ended",
      "token.decided",
      "session.ended",
      "cdr.issued",
      "hold.released",
    ] as const;
    for (const type of named) expect(CLOCK_OF[type]).not.toBeNull();
  });
});
