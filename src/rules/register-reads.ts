/** Groups the registers of a map into few reads. Modbus Application Protocol 1.1b3, 6.3 and 6.4: at most 125 a read. */
import { REGISTERS_OF, type RegisterPoint } from "../model/register-map.ts";

export interface RegisterRead {
  address: number;
  count: number;
  points: RegisterPoint[];
  /** Holds nothing that every variant of the meter has. */
  optional: boolean;
}

interface Span {
  from: number;
  /** First address after it. */
  to: number;
  point: RegisterPoint;
}

/** In order of address. A value is never split, and what is optional is read apart, so that a refusal costs nothing else. */
export function registerReads(
  points: readonly RegisterPoint[],
  { longest, gap }: { longest: number; gap: number },
): RegisterRead[] {
  return [false, true].flatMap((optional) => {
    const spans = points
      .filter((point) => point.optional === optional)
      .flatMap((point): Span[] => [
        { from: point.address, to: point.address + REGISTERS_OF[point.type], point },
        ...(point.factor === undefined ? [] : [{ from: point.factor, to: point.factor + 1, point }]),
      ])
      .sort((a, b) => a.from - b.from);
    const reads: RegisterRead[] = [];
    let end = Number.NEGATIVE_INFINITY;
    for (const { from, to, point } of spans) {
      const last = reads.at(-1);
      const fits = last && from - end <= gap && Math.max(end, to) - last.address <= longest;
      if (fits) {
        end = Math.max(end, to);
        last.count = end - last.address;
        if (!last.points.includes(point)) last.points.push(point);
      } else {
        end = to;
        reads.push({ address: from, count: to - from, points: [point], optional });
      }
    }
    return reads;
  });
}
