/** What planning needs to know of the grid side: other load to come, the demand peak that is billed, purchase prices. */
import type { GridOrder } from "./grid-order.ts";

/** Other load of a circuit from `fromMs` until the next step; charging is not in it. */
export interface LoadStep {
  /** Depot time, ms since the epoch. */
  fromMs: number;
  /** Expected A on L1, L2, L3; negative where the sun feeds more than the building draws. */
  lineA: [number, number, number];
  /** The same as power at nominal voltage. */
  kw: number;
  /** Exceeded in about one step of twenty, A a line: for who must be sure. */
  highA: [number, number, number];
}

/** The demand charge of the calendar month at the grid connection. */
export interface DemandPeak {
  /** In the site's currency for each kW of the month's highest window. */
  perKw: number;
  /** Highest mean import of a window of this month so far, kW. */
  billedKw: number;
  /** Imported in the window under way. */
  usedKwh: number;
  /** Length of a window, ms. Windows begin at whole multiples of it in UTC. */
  windowMs: number;
  /** Start of the window under way: depot time, ms. */
  windowFromMs: number;
}

/** Price of energy from the grid from `fromMs` until the next step, in the site's currency. */
export interface PurchasePrice {
  fromMs: number;
  perKwh: number;
  /** Nothing is published for this time: the price of the last day that is, at the same hour of its clock. */
  isEstimate: boolean;
}

/** Body of `load.measured`: a quarter hour of a metered circuit, or a part of one where the gateway started or stopped. */
export interface LoadMeasured {
  circuit: string;
  /** RFC 3339: a whole quarter hour in UTC. */
  from: string;
  /** Of the quarter hour. */
  covered_s: number;
  /** Mean of what is not charging, A on L1, L2, L3. */
  other_a: [number, number, number];
  /** Imported on this circuit, at nominal voltage where its meter says no power. */
  import_wh: number;
}

export interface GridOrders {
  /** Orders in force at a depot time, ms. */
  active(nowMs: number): GridOrder[];
  /** Those, and the ones that begin later. */
  standing(nowMs: number): GridOrder[];
  /** The least that the orders in force leave a circuit, W, charging and other load together; null without any. */
  powerW(circuit: string, nowMs: number): number | null;
}

/** Where whoever reads digital inputs says what they are. */
export interface GridInputs {
  /** `closed`: null when it cannot be read. Repeat it at least every 30 s. Inputs that order nothing are left out. */
  heard(input: string, closed: boolean | null): void;
}

export interface GridSide {
  gridOrders: GridOrders;
  gridInputs: GridInputs;
  /** Other load of a circuit as steps that cover `[fromMs, toMs)`; empty when nothing is known of it. */
  forecast(circuit: string, fromMs: number, toMs: number): LoadStep[];
  /** Null without a demand charge in the config. */
  peak(): DemandPeak | null;
  /** Steps that cover `[fromMs, toMs)`; empty without a price series in the config, or before its first price. */
  purchasePrices(fromMs: number, toMs: number): PurchasePrice[];
}
