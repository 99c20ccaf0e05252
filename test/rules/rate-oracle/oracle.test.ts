import { describe, expect, test } from "vitest";
import { rateByTheBook } from "./oracle.ts";
import { meantSeconds } from "./periods.ts";
import { exact, text } from "./rational.ts";
import type { PriceComponent, Restrictions, Session, Tariff } from "./shapes.ts";
import { wallClock } from "./wall-clock.ts";

const perKwh = (price: number, restrictions?: Restrictions): Tariff["elements"][number] => ({
  price_components: [{ type: "ENERGY", price, step_size: 0 }],
  ...(restrictions === undefined ? {} : { restrictions }),
});

/** One kWh in each of the periods that start at these instants; the last lasts a minute. */
function kwhAt(time_zone: string, ...starts: string[]): Session {
  const last = Date.parse(starts.at(-1) as string);
  return {
    time_zone,
    start_date_time: starts[0] as string,
    end_date_time: new Date(last + 60_000).toISOString(),
    kind: "normal",
    charging_periods: starts.map((start_date_time) => ({
      start_date_time,
      dimensions: [{ type: "ENERGY", volume: 1 }],
    })),
  };
}

const cost = (session: Session, elements: Tariff["elements"], more: Partial<Tariff> = {}) => {
  const { total_excl_tax, total_incl_tax } = rateByTheBook(session, { currency: "EUR", elements, ...more });
  return [total_excl_tax, total_incl_tax];
};

const matches = (restrictions: Restrictions, time_zone: string, stamp: string) =>
  cost(kwhAt(time_zone, stamp), [perKwh(1, restrictions)])[0] === "1.0000";

describe("time of day", () => {
  test.each([
    ["17:00", "20:00", "17:00:00", true],
    ["17:00", "20:00", "16:59:59", false],
    ["17:00", "20:00", "20:00:00", false],
    ["22:00", "06:00", "23:59:59", true],
    ["22:00", "06:00", "05:59:59", true],
    ["22:00", "06:00", "06:00:00", false],
    ["20:00", "00:00", "23:59:59", true],
    ["20:00", "00:00", "00:00:00", false],
    ["08:00", "08:00", "03:00:00", true],
    ["00:00", "00:00", "13:00:00", true],
  ])("from %s to %s holds at %s: %s", (start_time, end_time, clock, isInside) => {
    expect(matches({ start_time, end_time }, "UTC", `2026-01-05T${clock}Z`)).toBe(isInside);
  });

  test("an hour that a clock change repeats is inside the window twice", () => {
    const window = { start_time: "02:00", end_time: "03:00" };
    const stamps = ["2026-10-24T23:59:59Z", "2026-10-25T00:00:00Z", "2026-10-25T01:59:59Z"];
    const inside = stamps.map((stamp) => matches(window, "Europe/Stockholm", stamp));
    expect(inside).toEqual([false, true, true]);
    expect(matches(window, "Europe/Stockholm", "2026-10-25T02:00:00Z")).toBe(false);
  });

  test("an hour that a clock change skips is never inside the window", () => {
    const window = { start_time: "02:00", end_time: "03:00" };
    expect(matches(window, "Europe/Stockholm", "2026-03-29T00:59:59Z")).toBe(false);
    expect(matches(window, "Europe/Stockholm", "2026-03-29T01:00:00Z")).toBe(false);
    expect(wallClock(Date.parse("2026-03-29T01:00:00Z"), "Europe/Stockholm").milliseconds).toBe(10_800_000);
  });

  test("after midnight a window that wraps belongs to the new weekday", () => {
    const night = { start_time: "22:00", end_time: "06:00", day_of_week: ["FRIDAY"] };
    expect(matches(night, "Europe/Stockholm", "2026-01-09T22:59:59Z")).toBe(true);
    expect(matches(night, "Europe/Stockholm", "2026-01-09T23:00:00Z")).toBe(false);
  });

  test("dates are local, the first included and the last not", () => {
    const days = { start_date: "2026-12-31", end_date: "2027-01-01" };
    expect(matches(days, "Europe/Stockholm", "2026-12-30T23:00:00Z")).toBe(true);
    expect(matches(days, "Europe/Stockholm", "2026-12-31T23:00:00Z")).toBe(false);
  });
});

describe("quantities", () => {
  test("min_kwh reached exactly lets the next element apply", () => {
    const session = kwhAt("UTC", "2026-01-05T10:00:00Z", "2026-01-05T10:01:00Z");
    expect(cost(session, [perKwh(1, { max_kwh: 1 }), perKwh(3, { min_kwh: 1 })])).toEqual([
      "4.0000",
      "4.0000",
    ]);
  });

  test.each([
    ["0.1667", 600, "600.0000"],
    ["0.167", 600, "600.0000"],
    ["0.166", 600, "597.6000"],
    ["0.17", 600, "612.0000"],
    ["0.003", 9, "9.0000"],
    ["0.5", 1800, "1800.0000"],
    ["0.16666666666666666", 600, "600.0000"],
    ["1.973", 7103, "7103.0000"],
    ["0.00", 0.18, "0.1800"],
    ["0.00", 0.19, "0.0000"],
  ])("%s h in a period of %s s are %s s", (written, length, seconds) => {
    expect(text(meantSeconds(written, exact(length)))).toBe(seconds);
  });

  test("a negative quantity is refused, and so is a period before its predecessor", () => {
    const session = kwhAt("UTC", "2026-01-05T10:00:00Z", "2026-01-05T09:59:00Z");
    expect(() => cost(session, [perKwh(1)])).toThrow("charging period 1 is out of order");
    const [period] = session.charging_periods.splice(1);
    expect(period?.dimensions).toHaveLength(1);
    session.charging_periods[0] = {
      start_date_time: session.start_date_time,
      dimensions: [{ type: "TIME", volume: -0.1 }],
    };
    session.end_date_time = "2026-01-05T11:00:00Z";
    expect(() => cost(session, [perKwh(1)])).toThrow("negative TIME: -0.1");
  });
});

describe("money", () => {
  const once = kwhAt("UTC", "2026-01-05T10:00:00Z");
  const flat = (vat?: number): Tariff["elements"] => [
    { price_components: [{ type: "FLAT", price: 1, step_size: 0, ...(vat === undefined ? {} : { vat }) }] },
  ];

  test("a price that includes tax is the gross side of its line", () => {
    expect(cost(once, flat(20), { tax_included: "YES" })).toEqual(["0.8333", "1.0000"]);
    expect(cost(once, flat(20), { tax_included: "NO" })).toEqual(["1.0000", "1.2000"]);
    expect(cost(once, flat(20), { tax_included: "N/A" })).toEqual(["1.0000", "1.0000"]);
    expect(cost(once, flat(), { tax_included: "YES" })).toEqual(["1.0000", "1.0000"]);
  });

  test("the two sides of a price limit hold apart from each other", () => {
    expect(cost(once, flat(20), { max_price: { excl_vat: 5, incl_vat: 1.1 } })).toEqual(["1.0000", "1.1000"]);
    expect(cost(once, flat(20), { min_price: { before_taxes: 1.1, after_taxes: 1 } })).toEqual([
      "1.1000",
      "1.2000",
    ]);
  });

  test("a session that costs nothing still costs the minimum", () => {
    expect(cost(once, [perKwh(0)], { min_price: { excl_vat: 2, incl_vat: 2.4 } })).toEqual([
      "2.0000",
      "2.4000",
    ]);
  });

  test("neighbouring periods of one component are one line, rounded once", () => {
    const third: PriceComponent = { type: "ENERGY", price: "0.00005", step_size: 0 };
    const session = kwhAt("UTC", "2026-01-05T10:00:00Z", "2026-01-05T10:01:00Z");
    expect(cost(session, [{ price_components: [third] }])).toEqual(["0.0001", "0.0001"]);
    const apart = [
      { price_components: [third], restrictions: { max_kwh: 1 } },
      { price_components: [{ ...third }], restrictions: { min_kwh: 1 } },
    ];
    expect(cost(session, apart)).toEqual(["0.0002", "0.0002"]);
  });

  test("halves are rounded away from zero", () => {
    expect([exact("0.00005"), exact("-0.00005"), exact("0.00004"), exact("12.5e-1")].map(text)).toEqual([
      "0.0001",
      "-0.0001",
      "0.0000",
      "1.2500",
    ]);
  });
});

test("parking before charging still takes the step of the time alone", () => {
  const session: Session = {
    time_zone: "UTC",
    start_date_time: "2026-01-05T10:00:00Z",
    end_date_time: "2026-01-05T10:28:00Z",
    kind: "normal",
    charging_periods: [
      { start_date_time: "2026-01-05T10:00:00Z", dimensions: [{ type: "PARKING_TIME", volume: 0.1167 }] },
      { start_date_time: "2026-01-05T10:07:00Z", dimensions: [{ type: "TIME", volume: 0.35 }] },
    ],
  };
  const elements: Tariff["elements"] = [
    {
      price_components: [
        { type: "TIME", price: 1, step_size: 300 },
        { type: "PARKING_TIME", price: 2, step_size: 300 },
      ],
    },
  ];
  const { by_dimension } = rateByTheBook(session, { currency: "EUR", elements });
  expect(by_dimension.TIME.billed).toBe("0.3500");
  expect(by_dimension.PARKING_TIME.billed).toBe("0.1667");
});

/** Ten-minute periods with these dimensions, from ten o'clock on. */
function periodsWith(...periods: Session["charging_periods"][number]["dimensions"][]): Session {
  const stamp = (index: number) =>
    new Date(Date.parse("2026-01-05T10:00:00Z") + index * 600_000).toISOString();
  return {
    time_zone: "UTC",
    start_date_time: stamp(0),
    end_date_time: stamp(periods.length),
    kind: "normal",
    charging_periods: periods.map((dimensions, index) => ({ start_date_time: stamp(index), dimensions })),
  };
}

const energy = (volume: number) => ({ type: "ENERGY", volume });

describe("what a period tells", () => {
  test("a stated power counts before the average the energy gives", () => {
    const fast = [perKwh(1, { min_power: 10 })];
    expect(cost(periodsWith([energy(1), { type: "POWER", volume: 10 }]), fast)[0]).toBe("1.0000");
    expect(cost(periodsWith([energy(2), { type: "POWER", volume: 9.9 }]), fast)[0]).toBe("0.0000");
    expect(cost(periodsWith([energy(2)]), fast)[0]).toBe("2.0000");
  });

  test("a current nobody states is neither above nor below a bound", () => {
    expect(cost(periodsWith([energy(1)]), [perKwh(1, { max_current: 32 })])[0]).toBe("0.0000");
    expect(cost(periodsWith([energy(1)]), [perKwh(1, { min_current: 0 })])[0]).toBe("0.0000");
  });

  test("a period in between that has no energy, or none of it, does not end a line", () => {
    const small = [{ price_components: [{ type: "ENERGY" as const, price: "0.00005", step_size: 0 }] }];
    expect(cost(periodsWith([energy(1)], [energy(0)], [energy(1)]), small)[0]).toBe("0.0001");
    const parked = [{ type: "PARKING_TIME", volume: 0.1667 }];
    expect(cost(periodsWith([energy(1)], parked, [energy(1)]), small)[0]).toBe("0.0001");
  });

  test("the last component that priced anything gives the step", () => {
    const elements: Tariff["elements"] = [
      { price_components: [{ type: "ENERGY", price: 1, step_size: 500 }], restrictions: { max_kwh: 1 } },
      { price_components: [{ type: "ENERGY", price: 1, step_size: 5000 }] },
    ];
    expect(cost(periodsWith([energy(1.2)], [energy(0)]), elements)[0]).toBe("1.5000");
  });

  test("parking of no length leaves the step to the charging time", () => {
    const time = [{ type: "TIME", volume: 0.1667 }];
    const session = periodsWith(time, []);
    session.end_date_time = session.charging_periods[1]?.start_date_time as string;
    session.charging_periods[1]?.dimensions.push({ type: "PARKING_TIME", volume: 0 });
    const priced = (type: "TIME" | "PARKING_TIME") => ({ type, price: 6, step_size: 900 });
    expect(cost(session, [{ price_components: [priced("TIME"), priced("PARKING_TIME")] }])[0]).toBe("1.5000");
  });
});

describe("reservations", () => {
  const reserved = [{ type: "RESERVATION_TIME", volume: 0.1667 }];

  test("the fee of the session waits for the charging", () => {
    const elements: Tariff["elements"] = [
      {
        price_components: [{ type: "FLAT", price: 1, step_size: 0 }],
        restrictions: { end_time: "10:10" },
      },
      { price_components: [{ type: "FLAT", price: 2, step_size: 0 }] },
    ];
    expect(cost(periodsWith(reserved, [energy(1)]), elements)[0]).toBe("2.0000");
    expect(cost(periodsWith([...reserved, energy(1)]), elements)[0]).toBe("1.0000");
  });

  test("one that expired is no charging session, so price limits leave it alone", () => {
    const elements: Tariff["elements"] = [
      {
        price_components: [{ type: "TIME", price: 6, step_size: 0 }],
        restrictions: { reservation: "RESERVATION" },
      },
    ];
    const session: Session = { ...periodsWith(reserved), kind: "reservation_expired" };
    expect(cost(session, elements, { min_price: { excl_vat: 9 } })[0]).toBe("1.0000");
    expect(cost(session, elements, { max_price: { excl_vat: 0.5 } })[0]).toBe("1.0000");
  });
});
