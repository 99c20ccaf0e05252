/** Prices that come from a series: which one holds at an instant, and until when. */
import type { PriceSeriesPart } from "../../model/session.ts";
import type { Component } from "./compile.ts";
import { linear, type Scaled, scaled } from "./exact.ts";
import { RatingInputError } from "./input-error.ts";

interface Point {
  fromMs: number;
  toMs: number;
  price: Scaled;
  /** What a component makes of it, worked out once. */
  made: Map<Component, Scaled>;
}

export class Series {
  readonly #points = new Map<string, Point[]>();

  /** Throws `RatingInputError` when points overlap or are out of order. */
  constructor(parts: readonly PriceSeriesPart[] = []) {
    for (const [p, part] of parts.entries()) {
      const points: Point[] = [];
      for (const [i, { from_ms, to_ms, price }] of part.points.entries()) {
        const path = ["prices", p, "points", i];
        const previous = points.at(-1);
        if (!(to_ms > from_ms) || (previous && from_ms < previous.toMs))
          throw new RatingInputError(
            path,
            part.points[i],
            undefined,
            "give points in order, without overlap",
          );
        points.push({ fromMs: from_ms, toMs: to_ms, price: priceAt(price, path), made: new Map() });
      }
      this.#points.set(part.series, points);
    }
  }

  /** The price of a component at an instant; null when it waits for a series that has none. */
  price(component: Component, ms: number): Scaled | null {
    const { source } = component;
    if (!source) return component.price;
    const point = this.#at(source.series, ms);
    if (!point) return source.hold ? null : component.price;
    let price = point.made.get(component);
    if (!price) {
      price = linear(source.factor, point.price, source.add);
      point.made.set(component, price);
    }
    return price;
  }

  /** The next instant after `ms` at which some series changes. */
  nextAfter(ms: number): number {
    let next = Infinity;
    for (const points of this.#points.values()) {
      const point = points[firstEndingAfter(points, ms)];
      if (!point) continue;
      next = Math.min(next, point.fromMs > ms ? point.fromMs : point.toMs);
    }
    return next;
  }

  #at(series: string, ms: number): Point | undefined {
    const points = this.#points.get(series) ?? [];
    const point = points[firstEndingAfter(points, ms)];
    return point && point.fromMs <= ms ? point : undefined;
  }
}

function firstEndingAfter(points: readonly Point[], ms: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.toMs ?? Infinity) > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

function priceAt(text: string, path: PropertyKey[]): Scaled {
  try {
    return scaled(text);
  } catch {
    throw new RatingInputError([...path, "price"], text, undefined, "write a decimal such as 0.4321");
  }
}
