/** What a language must have words for, and what its pages share. */
import type { GridOrderKind } from "../../model/grid-order.ts";
import type { LimitReason } from "../../model/messages.ts";
import type { TargetSource } from "../../model/targets.ts";
import type { Bound, Why } from "./facts.ts";

/** What a reason means, as the rest of a sentence, and what one may do about it. */
export interface ReasonWords {
  why(why: Why): string;
  toDo: string;
}

/** A language. A reason without words does not compile. */
export interface WhyWords {
  reasons: Readonly<Record<LimitReason, ReasonWords>>;
  plans: Readonly<Record<TargetSource, (targetA: string) => string>>;
  /** Decimal mark. */
  mark: "." | ",";
  limit(
    at: string,
    who: string,
    limit: string,
    of: { max: string; percent: number } | null,
    why: string,
  ): string;
  outOfReach(
    because: "station" | "gateway",
    since: string,
    until: string,
    lapsed: boolean,
    fallback: string,
  ): string;
  gatewayToDo: string;
  sent(since: string): string;
  measured(amps: string, at: string): string;
  notMeasured: string;
  class(name: string): string;
  departure(at: string, wanted: string | null): string;
  order(kind: GridOrderKind, circuit: string, kw: string, since: string, until: string | null): string;
  alert(kind: string, subject: string, cause: string, since: string): string;
  toDo(what: string): string;
  head: readonly [string, string, string, string, string];
  atThatTime: string;
  byReason: readonly [string, string, string];
  noLimit: string;
  noGateway: string;
}

/** What a circuit had to share, in parentheses; empty when nothing of it is known. */
export function roomOf(
  why: Why,
  say: {
    limit(amps: string): string;
    power(kw: string): string;
    other(amps: string): string;
    sharers(n: number, amps: string): string;
  },
  mark: string,
): string {
  const bound: Bound | null = why.bound;
  if (!bound) return "";
  const number = (a: number) => String(Math.round(a * 10) / 10).replace(".", mark);
  const parts = [
    ...(bound.limit_a === null ? [] : [say.limit(`${number(bound.limit_a)} A`)]),
    ...(bound.limit_kw === null ? [] : [say.power(`${number(bound.limit_kw)} kW`)]),
    ...(bound.other_load_a === null ? [] : [say.other(`${number(bound.other_load_a)} A`)]),
    ...(bound.sharers === 0 ? [] : [say.sharers(bound.sharers, `${number(bound.charging_a)} A`)]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
