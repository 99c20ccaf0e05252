import { describe, expect, test } from "vitest";
import { Id } from "../../src/model/ids.ts";
import { FLEET_CLASSES } from "../../src/simulator/fleet.ts";
import { createRandom } from "../../src/simulator/random.ts";
import { carFor, siteLimitFromPeak, uncontrolledPeakA } from "../../src/simulator/uncontrolled.ts";
import { drawEvening } from "../../src/simulator/visits.ts";

const options = {
  stations: 60,
  seed: 7,
  midnightMs: Date.UTC(2026, 10, 21, 23),
  timeZone: "Europe/Stockholm",
  voltageV: 230,
};
const HOUR_MS = 3_600_000;
const stay8h = 8 * HOUR_MS;

describe("drawn evenings", () => {
  test("the same seed gives the same depot, another one another", () => {
    expect(drawEvening(options)).toEqual(drawEvening(options));
    expect(drawEvening({ ...options, seed: 8 })).not.toEqual(drawEvening(options));
  });

  test("visits of a station follow each other, at whole ms, with possible cars and ids of the contract", () => {
    const { stations, visits } = drawEvening({ ...options, stations: 500 });
    expect(stations.every((s) => Id.safeParse(s.id).success)).toBe(true);
    for (const station of stations) {
      const own = visits.filter((v) => v.station === station.id);
      expect(own.length).toBeGreaterThanOrEqual(1);
      own.forEach((visit, i) => {
        expect(visit.departureMs).toBeGreaterThan(visit.arrivalMs);
        expect(visit.arrivalMs).toBeGreaterThan((own[i - 1]?.departureMs ?? 0) + 60_000);
        expect(Number.isInteger(visit.arrivalMs) && Number.isInteger(visit.departureMs)).toBe(true);
        expect(Number.isInteger(visit.car.energyWh)).toBe(true);
        expect(visit.car.taperFromWh).toBeLessThanOrEqual(visit.car.energyWh);
      });
    }
  });

  test("vans come back in the evening and take a night's energy", () => {
    const { visits } = drawEvening({ ...options, stations: 500 });
    const nights = visits.filter((v) => v.id.endsWith("-2") && v.vehicle?.startsWith("van"));
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const returnHour = mean(nights.map((v) => (v.arrivalMs - options.midnightMs) / HOUR_MS));
    expect(returnHour).toBeGreaterThan(17);
    expect(returnHour).toBeLessThan(18.2);
    const kwh = mean(nights.map((v) => v.car.energyWh / 1000));
    expect(kwh).toBeGreaterThan(24);
    expect(kwh).toBeLessThan(38);
  });
});

describe("a drawn fleet", () => {
  const { stations, visits, fleet } = drawEvening({ ...options, stations: 500 });
  const saidOf = new Map(fleet.said.map((s) => [s.vehicle, s]));

  test("every visit is of one vehicle that the depot knows, buses at DC stations alone", () => {
    expect(new Set(visits.map((v) => v.vehicle)).size).toBe(visits.length);
    expect(fleet.vehicles.map((v) => v.id).sort()).toEqual(visits.map((v) => v.vehicle).sort());
    const dc = new Set(stations.filter((s) => s.kind === "dc").map((s) => s.id));
    expect(visits.every((v) => dc.has(v.station) === v.vehicle?.startsWith("bus"))).toBe(true);
    const known = FLEET_CLASSES.map(({ id }) => id as string);
    expect(new Set(fleet.vehicles.map((v) => v.class))).toEqual(new Set(known));
  });

  test("most departures are said, buses' all by the timetable, and some come early or late", () => {
    const nights = visits.filter((v) => v.id.endsWith("-2"));
    expect(saidOf.size / nights.length).toBeGreaterThan(0.65);
    expect(saidOf.size / nights.length).toBeLessThan(0.9);
    const buses = nights.filter((v) => v.vehicle?.startsWith("bus"));
    expect(buses.every((v) => saidOf.get(v.vehicle ?? "")?.isDaily)).toBe(true);
    const delays = nights.flatMap((v) => {
      const said = saidOf.get(v.vehicle ?? "");
      return said ? [(v.departureMs - said.departMs) / 60_000] : [];
    });
    const part = (fits: (min: number) => boolean) => delays.filter(fits).length / delays.length;
    expect(part((min) => Math.abs(min) < 10)).toBeGreaterThan(0.6);
    expect(part((min) => min < -10)).toBeGreaterThan(0.03);
    expect(part((min) => min > 10)).toBeGreaterThan(0.08);
  });

  test("what is said of an energy is a little more than the car takes", () => {
    for (const { vehicle, car } of visits) {
      const said = saidOf.get(vehicle ?? "");
      if (!said) continue;
      expect(said.energyWh).toBeGreaterThanOrEqual(car.energyWh);
      expect(said.energyWh).toBeLessThanOrEqual(car.energyWh * 1.05 + 1000);
    }
  });
});

test("the generator is uniform enough: mean and spread of 100,000 draws", () => {
  const random = createRandom(3);
  const draws = Array.from({ length: 100_000 }, () => random.next());
  const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
  const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
  expect(mean).toBeCloseTo(0.5, 2);
  expect(variance).toBeCloseTo(1 / 12, 2);
  expect(draws.every((d) => d >= 0 && d < 1)).toBe(true);
});

describe("the car that fits a record", () => {
  const stay = (hours: number) => Math.round(hours * HOUR_MS);

  test.each([
    [20_000, 8, 1, 32_000, "ac", true],
    [20_000, 2.95, 1, 32_000, "ac", false],
    [20_000, 2.6, 3, 16_000, "ac", true],
    [20_000, 1.5, 3, 32_000, "ac", true],
    [20_000, 0.85, 3, 76_300, "dc", true],
    [60_000, 0.75, 3, 228_900, "dc", true],
  ] as const)("%i Wh in %d h", (energyWh, hours, phases, maxMa, kind, tapers) => {
    const { car, size, clamped } = carFor(energyWh, stay(hours), 230);
    expect([car.phases, car.maxMa, size.kind, clamped]).toEqual([phases, maxMa, kind, false]);
    expect(car.taperFromWh < car.energyWh).toBe(tapers);
  });

  test("what no charger delivers is marked", () => {
    const { clamped, size } = carFor(500_000, stay(0.5), 230);
    expect([clamped, size.kind]).toEqual([true, "dc"]);
  });
});

describe("a site too small", () => {
  test("is half of what the cars would draw uncontrolled", () => {
    const { stations, visits } = drawEvening(options);
    const peak = uncontrolledPeakA(stations, visits, 230);
    const limit = siteLimitFromPeak(stations, visits, 230);
    expect(limit).toBe(Math.round(Math.max(...peak) / 2));
    expect(limit).toBeGreaterThan(100);
    expect(limit).toBeLessThan(60 * 16);
  });

  test("two single-phase cars on other lines do not add up", () => {
    const { stations } = drawEvening({ ...options, stations: 2 });
    const visits = stations.map((s) => ({
      id: s.id,
      station: s.id,
      arrivalMs: 0,
      departureMs: stay8h,
      tokenUid: "04",
      car: carFor(20_000, stay8h, 230).car,
    }));
    expect(uncontrolledPeakA(stations, visits, 230)).toEqual([32, 32, 0]);
  });
});
