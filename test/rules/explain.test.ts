import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cdr, CdrLine } from "../../src/model/cdr.ts";
import { CdrSchema } from "../../src/model/cdr-schema.ts";
import { exact, fixed } from "../../src/model/money.ts";
import { SESSION_FLAGS, type SessionRecord } from "../../src/model/session.ts";
import type { Tariff } from "../../src/model/tariff.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { explainCdr } from "../../src/rules/explain.ts";
import { billTexts, LANGUAGES } from "../../src/rules/explain-texts.ts";
import { sampleCdr } from "../workers/sample-summary.ts";
import { ratedSession } from "./rated-session.ts";

const runs = process.env.DEEP ? 2000 : 100;

const line = (over: Partial<CdrLine> = {}): CdrLine => ({ ...(sampleCdr(1).lines[0] as CdrLine), ...over });

/** A bill of one energy line under a tariff of these restrictions, the line's element last. */
function restricted(...restrictions: (object | null)[]): Cdr {
  const cdr = sampleCdr(1);
  const elements = restrictions.map((r) => ({
    price_components: cdr.tariff.body.elements[0]?.price_components ?? [],
    ...(r ? { restrictions: r } : {}),
  }));
  const body = { ...cdr.tariff.body, elements } as Tariff;
  return {
    ...cdr,
    tariff: { ...cdr.tariff, body },
    lines: [line({ element: elements.length - 1 })],
  };
}

const reasons = (cdr: Cdr, language: "sv" | "en" = "en") => {
  const [first] = explainCdr(cdr, { language }).lines;
  return [first?.reason, ...(first?.not_applied ?? [])];
};

describe("the reason of a line", () => {
  it("is the element's restrictions, and why no element before it applied", () => {
    const night = {
      start_time: "17:00",
      end_time: "20:00",
      day_of_week: ["FRIDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY"],
    };
    expect(reasons(restricted({ max_power: "16" }, night))).toEqual([
      "element 2 of 2: between 17:00 and 20:00, Monday to Friday",
      "element 1 not: only below 16 kW",
    ]);
    expect(reasons(restricted({ max_power: "16.5" }, night), "sv")).toEqual([
      "del 2 av 2: mellan 17:00 och 20:00, måndag till fredag",
      "inte del 1: bara under 16,5 kW",
    ]);
  });

  it.each<[object | null, string]>([
    [null, "no restriction, always applies"],
    [{}, "no restriction, always applies"],
    [{ start_time: "17:00" }, "from 17:00"],
    [{ end_time: "00:00" }, "until 24:00"],
    [{ start_time: "22:00", end_time: "00:00" }, "between 22:00 and 24:00"],
    [{ start_time: "00:00", end_time: "00:00" }, "at any time of day"],
    [{ day_of_week: ["SUNDAY"] }, "Sunday"],
    [{ day_of_week: ["SUNDAY", "SATURDAY"] }, "Saturday and Sunday"],
    [{ day_of_week: ["MONDAY", "WEDNESDAY", "FRIDAY"] }, "Monday, Wednesday and Friday"],
    [{ start_date: "2026-01-01", end_date: "2026-02-01" }, "from 2026-01-01, before 2026-02-01"],
    [{ min_kwh: "10", max_kwh: "20" }, "from 10 kWh on, up to 20 kWh"],
    [{ min_current: "16", max_current: "32" }, "from 16 A over all phases, below 32 A over all phases"],
    [{ min_power: "0.5" }, "from 0.5 kW"],
    [{ min_duration: 3600, max_duration: 5400 }, "after 1 h, in the first 1 h 30 min"],
    [{ reservation: "RESERVATION" }, "while reserved"],
    [{ reservation: "RESERVATION_EXPIRES" }, "when a reservation expired"],
  ])("%j is %s", (restrictions, words) => {
    expect(reasons(restricted(restrictions))).toEqual([`element 1 of 1: ${words}`]);
  });

  it("an element without a price for the dimension did not apply for that", () => {
    const cdr = restricted(null, null);
    const [free] = cdr.tariff.body.elements;
    if (free) free.price_components = [{ type: "TIME", price: "1", step_size: 1 }];
    expect(reasons(cdr)[1]).toBe("element 1 not: no price for energy");
  });

  it("a component that the tariff does not have is said to be missing", () => {
    expect(reasons({ ...restricted(null), lines: [line({ element: 7 })] })).toContain(
      "element 8, which the tariff does not have",
    );
  });

  it.each([
    [{ excl_vat: "5", incl_vat: "6.25" }, "5 SEK net, 6.25 SEK gross"],
    [{ before_taxes: "5" }, "5 SEK net"],
  ])("a limit %j is named with what it adds", (min_price, words) => {
    const cdr = restricted(null);
    const body = { ...cdr.tariff.body, min_price } as Tariff;
    const limit = line({ dimension: "MIN_PRICE", element: null, component: null });
    const [first] = explainCdr(
      { ...cdr, tariff: { ...cdr.tariff, body }, lines: [limit] },
      { language: "en" },
    ).lines;
    expect(first).toMatchObject({
      reason: `the tariff's minimum price is ${words}: what was missing is added`,
      measured: null,
      unit_price: null,
    });
  });
});

describe("what a line shows", () => {
  it("local times with the offset of the day: the hour that comes twice is told apart", () => {
    const { lines } = explainCdr(
      {
        ...sampleCdr(1),
        lines: [line({ from: "2026-10-25T00:30:00.000Z", to: "2026-10-25T01:30:00.000Z" })],
      },
      { language: "sv" },
    );
    expect(lines[0]?.interval).toEqual({
      local_from: "2026-10-25 02:30:00 +02:00",
      local_to: "2026-10-25 02:30:00 +01:00",
      utc_from: "2026-10-25T00:30:00.000Z",
      utc_to: "2026-10-25T01:30:00.000Z",
    });
  });

  it("registers on each meter that proved the energy, with interpolated ends marked", () => {
    const registers = [
      { meter_serial: "A", from_wh: 1000, to_wh: 1600, from_ms: 0, to_ms: 1 },
      { meter_serial: "A", from_wh: 50, to_wh: 50, from_ms: 1, to_ms: 1 },
      { meter_serial: null, from_wh: 0, to_wh: 400, from_ms: 1, to_ms: 2 },
    ];
    const energy = { from_wh: "500.25", to_wh: "700", from_interpolated: true as const };
    const cdr = { ...sampleCdr(1), registers, energy_wh: 1000, lines: [line({ energy })] };
    expect(explainCdr(cdr, { language: "en" }).lines[0]?.registers).toEqual([
      { meter_serial: "A", from_wh: "1500.25", to_wh: "1600", from_interpolated: true },
      { meter_serial: null, from_wh: "0", to_wh: "100" },
    ]);
  });

  it("signed values where no register proves the energy, and none where nothing does", () => {
    const reading = (value: string) => ({ value, unit: "kWh", time: "2026-03-02T06:00:00,000+0000 S" });
    const signed_data = {
      encoding_method: "OCMF" as const,
      public_key: null,
      meter_serial: "S-1",
      values: [],
      verified: false,
      reasons: ["no key"],
      begin: reading("      48.542"),
      end: reading("      49.542"),
    };
    const energy = { from_wh: "0", to_wh: "1000" };
    const cdr = { ...sampleCdr(1), registers: [], energy_wh: 1000, energy_source: "signed" as const };
    const bill = explainCdr({ ...cdr, signed_data, lines: [line({ energy })] }, { language: "en" });
    expect(bill.lines[0]?.registers).toEqual([{ meter_serial: "S-1", from_wh: "48542", to_wh: "49542" }]);
    expect(bill.energy).toMatchObject({
      source: expect.stringContaining("could not be proven"),
      public_key: "The meter's public key is not registered.",
    });
    expect(explainCdr({ ...cdr, lines: [line({ energy })] }, { language: "en" }).lines[0]?.registers).toEqual(
      [],
    );
  });

  it("the step that rounded the quantity, and how much it added", () => {
    const cdr = restricted(null);
    const [component] = cdr.tariff.body.elements[0]?.price_components ?? [];
    if (component) component.step_size = 500;
    const stepped = { ...cdr, lines: [line({ element: 0, measured_units: "4300.5", billed_units: "4500" })] };
    expect(explainCdr(stepped, { language: "sv" }).lines[0]?.step).toBe(
      "laddningens summa avrundas uppåt till hela steg om 500 Wh: 199,5 Wh läggs till här",
    );
    expect(explainCdr(cdr, { language: "sv" }).lines[0]?.step).toBe(null);
  });

  it("where a price of a series came from", () => {
    const cdr = restricted(null);
    const [component] = cdr.tariff.body.elements[0]?.price_components ?? [];
    Object.assign(component ?? {}, { price_source: { series: "se3", factor: "1", add: "0.10" } });
    const ms = Date.parse("2026-03-02T06:00:00Z");
    const prices = [{ series: "se3", points: [{ from_ms: ms, to_ms: ms + 900_000, price: "0.52" }] }];
    const series = (bill: Cdr) => explainCdr(bill, { language: "en" }).lines[0]?.series;
    expect(series({ ...cdr, prices })).toBe("price: series se3 times 1, plus 0.10");
    expect(series(cdr)).toBe("the series se3 has no price here: the tariff's own is used");
    expect(series(restricted(null))).toBe(null);
  });
});

describe("the sentences", () => {
  it("about a clock that was not synchronised speak of the gateway's and the station's, not of the meter's", () => {
    const [sv, en] = LANGUAGES.map((language) => billTexts(language).holds.CLOCK_UNSYNCHRONISED);
    expect(sv).toMatch(/gatewayens eller stationens klocka/i);
    expect(en).toMatch(/gateway's or the station's clock/i);
    expect(`${sv} ${en}`).not.toMatch(/mätar|meter/i);
  });

  it("about energy that the car gave back say that, and that nobody pays for it", () => {
    expect(billTexts("sv").holds.NEGATIVE_ENERGY).toMatch(/^Bilen matade tillbaka energi/);
    expect(billTexts("en").holds.NEGATIVE_ENERGY).toMatch(/^The car gave energy back/);
  });

  it("are sentences in both languages, and in Swedish say moms and taxa, never skatt and tariff", () => {
    for (const language of LANGUAGES) {
      const { flags, holds, warnings } = billTexts(language);
      const all = [flags, holds, warnings].flatMap((texts) => Object.values(texts));
      for (const text of all) expect(text).toMatch(/^\p{Lu}.*\.$/u);
      if (language === "sv") expect(all.join(" ")).not.toMatch(/skatt|tariff/i);
    }
  });
});

describe("the bill", () => {
  it("has a sentence for every flag, hold, warning and state in every language", () => {
    for (const language of LANGUAGES) {
      const { flags, holds, warnings, unbilled } = billTexts(language);
      expect(Object.keys(flags).sort()).toEqual([...SESSION_FLAGS].sort());
      const sentences = [flags, holds, warnings].flatMap((table) => Object.values(table));
      for (const sentence of sentences) expect(sentence).toMatch(/^[A-ZÅÄÖ].*\.$/);
      expect(new Set(sentences).size).toBe(sentences.length);
      expect(Object.values(unbilled).every((text) => text.length > 10)).toBe(true);
    }
  });

  it("says what nobody pays for, and what a reader should know", () => {
    const cdr: Cdr = {
      ...sampleCdr(1),
      flags: ["METER_RESET"],
      warnings: [{ code: "NO_COMPONENT", detail: "TIME from 18:00 to 19:00" }],
      unbilled_time: [{ state: "suspended_evse", seconds: 750 }],
    };
    const bill = explainCdr(cdr, { language: "en" });
    expect(bill.held_back).toEqual([
      {
        state: "suspended_evse",
        seconds: "750",
        duration: "12 min 30 s",
        sentence: "12 min 30 s: the site held the car back: neither charging nor parking time is charged",
      },
    ]);
    expect(bill.notes.map(({ kind, code, detail }) => [kind, code, detail])).toEqual([
      ["flag", "METER_RESET", null],
      ["warning", "NO_COMPONENT", "TIME from 18:00 to 19:00"],
    ]);
  });

  it("of a credit names what it takes back, and its amounts have their sign", () => {
    const bill = explainCdr(
      {
        ...sampleCdr(1),
        credit: true,
        credit_reference_id: "cdr-000009",
        lines: [line({ amount: { excl_vat: "-50.0000", incl_vat: "-62.5000" } })],
        total_cost: { excl_vat: "-50.0000", incl_vat: "-62.5000" },
        payable: { amount: "-62.50", rounding: "0.0000" },
      },
      { language: "sv" },
    );
    expect(bill.credit).toBe("Kreditering av cdr-000009: alla dess belopp med omvänt tecken.");
    expect(bill.total).toEqual({ net: "-50.0000", tax: "-12.5000", gross: "-62.5000" });
    expect(bill.payable.sentence).toBe("Att betala: −62,50 SEK");
    expect(bill.sum_check.agrees).toBe(true);
  });

  it("without a line says that nothing was charged, and totals that do not fit are told", () => {
    const bill = explainCdr({ ...sampleCdr(1), lines: [], registers: [] }, { language: "en" });
    expect(bill.nothing).toBe("Nothing was charged for.");
    expect(bill.sum_check).toEqual({
      agrees: false,
      sentence: "The lines do not sum to the totals: they differ by 50.0000 net, 62.5000 gross.",
    });
  });

  it("its lines sum exactly to the totals and to what is asked for, in any rated session", () => {
    fc.assert(
      fc.property(ratedSession, (session: SessionRecord) => {
        const cdr = cdrOf(session, { site: "north", tzdata: "2026a" });
        fc.pre(cdr !== undefined);
        if (!cdr) return;
        expect(CdrSchema.parse(cdr)).toEqual(cdr);
        const [sv, en] = LANGUAGES.map((language) => explainCdr(cdr, { language }));
        if (!sv || !en) throw new Error("two languages");
        const total = (rows: { net: string; tax: string; gross: string }[]) =>
          (["net", "tax", "gross"] as const).map((side) =>
            fixed(
              rows.reduce((sum, row) => sum.add(exact(row[side])), exact("0")),
              4,
            ),
          );
        const { excl_vat, incl_vat } = cdr.total_cost;
        const wanted = [excl_vat, fixed(exact(incl_vat).sub(exact(excl_vat)), 4), incl_vat];
        expect(total(en.lines)).toEqual(wanted);
        expect(total(en.sums)).toEqual(wanted);
        expect(total([en.total])).toEqual(wanted);
        expect(en.sum_check.agrees).toBe(true);
        const { amount, rounding } = en.payable;
        expect(fixed(exact(amount).sub(exact(rounding)), 4)).toBe(incl_vat);
        expect(sv.lines.map(({ net, gross }) => [net, gross])).toEqual(
          en.lines.map(({ net, gross }) => [net, gross]),
        );
        for (const [i, { registers }] of en.lines.entries()) {
          const { energy } = cdr.lines[i] ?? {};
          const sum = registers.reduce((wh, r) => wh.add(exact(r.to_wh)).sub(exact(r.from_wh)), exact("0"));
          expect(sum.equals(energy ? exact(energy.to_wh).sub(exact(energy.from_wh)) : 0)).toBe(true);
        }
      }),
      { numRuns: runs },
    );
  });
});
