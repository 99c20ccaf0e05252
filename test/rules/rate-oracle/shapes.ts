/** A number as it stands in a JSON document: kept as text until it is read exactly. */
export type Written = number | string;

export type ComponentType = "FLAT" | "ENERGY" | "TIME" | "PARKING_TIME";

/** OCPI PriceComponent (mod_tariffs). `price` per kWh, hour or session; `step_size` in Wh or seconds. */
export interface PriceComponent {
  type: ComponentType;
  price: Written;
  vat?: Written;
  step_size: number;
}

/** OCPI TariffRestrictions (mod_tariffs). All that are present must hold. */
export interface Restrictions {
  start_time?: string;
  end_time?: string;
  start_date?: string;
  end_date?: string;
  min_kwh?: Written;
  max_kwh?: Written;
  min_current?: Written;
  max_current?: Written;
  min_power?: Written;
  max_power?: Written;
  min_duration?: number;
  max_duration?: number;
  day_of_week?: string[];
  reservation?: "RESERVATION" | "RESERVATION_EXPIRES";
}

/** OCPI TariffElement (mod_tariffs). */
export interface Element {
  price_components: PriceComponent[];
  restrictions?: Restrictions;
}

/** OCPI 2.2.1 Price or OCPI 2.3.0 PriceLimit, in the tariff's currency. */
export type Limit =
  | { excl_vat: Written; incl_vat?: Written }
  | { before_taxes: Written; after_taxes?: Written };

/** The parts of an OCPI 2.2.1 or 2.3.0 Tariff that bear on cost; `tax_included` exists from 2.3.0 on. */
export interface Tariff {
  currency: string;
  tax_included?: "YES" | "NO" | "N/A";
  min_price?: Limit;
  max_price?: Limit;
  elements: Element[];
}

/** OCPI CdrDimension (mod_cdrs): kWh for ENERGY, hours for the times, A and kW for the rest. */
export interface Dimension {
  type: string;
  volume: Written;
}

/** A session as an OCPI CDR gives it: a period ends where the next one starts, the last with the session. */
export interface Session {
  time_zone: string;
  start_date_time: string;
  end_date_time: string;
  kind: "normal" | "reservation_expired";
  charging_periods: { start_date_time: string; dimensions: Dimension[] }[];
}

/** Money with 4 decimals; `billed` is sessions, kWh or hours, rounded to 4 decimals. */
export interface Share {
  excl_tax: string;
  incl_tax: string;
  billed: string;
}

/** What a session costs. `by_dimension` is what the components come to, before price limits. */
export interface Rated {
  currency: string;
  total_excl_tax: string;
  total_incl_tax: string;
  by_dimension: Record<ComponentType, Share>;
}
