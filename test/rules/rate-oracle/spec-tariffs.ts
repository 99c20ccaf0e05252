import type { ComponentType, PriceComponent, Tariff } from "./shapes.ts";

const component = (type: ComponentType, price: number, vat?: number, step_size = 1): PriceComponent => ({
  type,
  price,
  ...(vat === undefined ? {} : { vat }),
  step_size,
});

const tariff = (elements: Tariff["elements"], more: Partial<Tariff> = {}): Tariff => ({
  currency: "EUR",
  elements,
  ...more,
});

const plain = (...price_components: PriceComponent[]) => tariff([{ price_components }]);

const WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"];
const start = component("FLAT", 0.5, 20);
const energy = component("ENERGY", 0.25, 10);
const charged = { price_components: [start, energy] };

/** The tariffs of the examples in mod_tariffs and mod_cdrs, in their OCPI 2.2.1 form. */
export const SPEC = {
  energy: plain(energy),
  startFee: plain(start, energy),
  minPrice: { ...plain(energy), min_price: { excl_vat: 0.5, incl_vat: 0.55 } },
  parkingAndStart: plain(start, energy, component("PARKING_TIME", 2, 20, 900)),
  maxPrice: { ...plain(start, energy), max_price: { excl_vat: 10, incl_vat: 11 } },
  twoPerHour: plain(component("TIME", 2, 10, 60)),
  threeAndFive: plain(component("TIME", 3, 10, 60), component("PARKING_TIME", 5, 20, 300)),
  altText: plain(component("TIME", 1.9, 5.2, 300)),
  altUrl: plain(start, component("ENERGY", 0.25, 10, 100)),
  altUrlActualPrice: plain(start, component("ENERGY", 0.22, 10, 100)),
  complex: tariff([
    { price_components: [component("FLAT", 2.5, 15)] },
    { price_components: [component("TIME", 1, 20, 900)], restrictions: { max_current: 32 } },
    {
      price_components: [component("TIME", 2, 20, 600)],
      restrictions: { min_current: 32, day_of_week: WEEKDAYS },
    },
    {
      price_components: [component("TIME", 1.25, 20, 600)],
      restrictions: { min_current: 32, day_of_week: ["SATURDAY", "SUNDAY"] },
    },
    {
      price_components: [component("PARKING_TIME", 5, 10, 300)],
      restrictions: { start_time: "09:00", end_time: "18:00", day_of_week: WEEKDAYS },
    },
    {
      price_components: [component("PARKING_TIME", 6, 10, 300)],
      restrictions: { start_time: "10:00", end_time: "17:00", day_of_week: ["SATURDAY"] },
    },
  ]),
  free: plain(component("FLAT", 0, undefined, 0)),
  reservation: tariff([
    { price_components: [component("TIME", 5, 20, 60)], restrictions: { reservation: "RESERVATION" } },
    charged,
  ]),
  reservationFee: tariff([
    {
      price_components: [component("FLAT", 2, 20), component("TIME", 5, 20, 300)],
      restrictions: { reservation: "RESERVATION" },
    },
    charged,
  ]),
  expireFee: tariff([
    { price_components: [component("FLAT", 4, 20)], restrictions: { reservation: "RESERVATION_EXPIRES" } },
    { price_components: [component("TIME", 2, 20, 600)], restrictions: { reservation: "RESERVATION" } },
    charged,
  ]),
  expireTime: tariff([
    {
      price_components: [component("TIME", 6, 20, 600)],
      restrictions: { reservation: "RESERVATION_EXPIRES" },
    },
    { price_components: [component("TIME", 3, 20, 600)], restrictions: { reservation: "RESERVATION" } },
    charged,
  ]),
  perStepOfEnergy: (step: number) => plain(component("ENERGY", 0.25, undefined, step)),
  perStepOfTime: (type: "TIME" | "PARKING_TIME") => plain(component(type, 1, undefined, 300)),
  switching: tariff([
    {
      price_components: [
        component("TIME", 1.2, undefined, 1800),
        component("PARKING_TIME", 1, undefined, 900),
      ],
      restrictions: { start_time: "00:00", end_time: "17:00" },
    },
    {
      price_components: [
        component("TIME", 2.4, undefined, 900),
        component("PARKING_TIME", 1, undefined, 900),
      ],
      restrictions: { start_time: "17:00", end_time: "20:00" },
    },
    {
      price_components: [component("TIME", 2.4, undefined, 900)],
      restrictions: { start_time: "20:00", end_time: "00:00" },
    },
  ]),
  maxPower: tariff([
    { price_components: [component("ENERGY", 0.2, 20)], restrictions: { max_power: 16 } },
    { price_components: [component("ENERGY", 0.35, 20)], restrictions: { max_power: 32 } },
    { price_components: [component("ENERGY", 0.5, 20)] },
  ]),
  maxDuration: tariff([
    { price_components: [component("ENERGY", 0, 20)], restrictions: { max_duration: 1800 } },
    { price_components: [component("ENERGY", 0.25, 20)], restrictions: { max_duration: 3600 } },
    { price_components: [component("ENERGY", 0.4, 20)] },
  ]),
  energyAt17: tariff([
    {
      price_components: [component("ENERGY", 0.2, undefined, 500)],
      restrictions: { start_time: "00:00", end_time: "17:00" },
    },
    {
      price_components: [component("ENERGY", 0.27, undefined, 500)],
      restrictions: { start_time: "17:00", end_time: "00:00" },
    },
  ]),
  timeAt17: tariff([
    {
      price_components: [component("TIME", 5, undefined, 600)],
      restrictions: { start_time: "00:00", end_time: "17:00" },
    },
    {
      price_components: [component("TIME", 7, undefined, 600)],
      restrictions: { start_time: "17:00", end_time: "00:00" },
    },
  ]),
  chargingAndParking: (step: number) =>
    plain(component("TIME", 1, undefined, step), component("PARKING_TIME", 2, undefined, step)),
  cdr: plain(component("TIME", 2, 10, 300)),
  northAmericaExclusive: {
    ...plain(component("TIME", 2)),
    currency: "CAD",
    tax_included: "NO",
  } satisfies Tariff,
  northAmericaInclusive: {
    ...plain(component("TIME", 2.1)),
    currency: "CAD",
    tax_included: "YES",
  } satisfies Tariff,
};
