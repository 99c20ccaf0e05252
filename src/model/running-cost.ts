/** What an open session costs so far. Says who charges nowhere: wall displays may show it. */
import type { CdrLine } from "./cdr.ts";
import type { Hold } from "./session.ts";

/** A line of the bill as it would be, in the words of `CdrLine`; `incl_vat` is its amount. */
export interface RunningLine
  extends Pick<CdrLine, "dimension" | "from" | "to" | "billed" | "unit_price" | "vat_percent"> {
  incl_vat: string;
}

/** Amounts are decimal text with four decimals. Without a tariff there is energy and no amount. */
export interface RunningCost {
  session_id: string;
  station: string;
  evse: number;
  /** RFC 3339 UTC, on the session's clock; `as_of` is the instant until which it was rated. */
  started: string;
  as_of: string;
  energy_wh: number;
  currency?: string;
  total_excl_vat?: string;
  total_incl_vat?: string;
  /** The newest lines; with `lines_before` they sum exactly to `total_incl_vat`. */
  lines_so_far?: RunningLine[];
  lines_before?: { count: number; incl_vat: string };
  /** What would keep rating from making a bill of it now: a missing price, a tariff without a component. */
  held?: Hold["code"][];
}

/** Whose open session it is, as the token list has it. For planning alone: it is shown nowhere. */
export interface Occupant {
  session_id: string;
  station: string;
  evse: number;
  vehicle: string | null;
  /** Cost centre. */
  group: string | null;
}
