/** Writes the three points of a quantity per line, which differ in their address only. */
import type { z } from "zod";
import type { RegisterMap } from "../../../model/register-map.ts";

/** A map as its author writes it: what has a default may be left out. */
export type MapFile = z.input<typeof RegisterMap>;

type Point = NonNullable<MapFile["points"]>[number];

/** L1, L2, L3 at these addresses. */
export function perLine(
  kind: "current" | "voltage" | "power",
  addresses: readonly [number, number, number],
  rest: Omit<Point, "quantity" | "address">,
): Point[] {
  return addresses.map((address, line) => ({
    quantity: `${kind}_l${(line + 1) as 1 | 2 | 3}` as const,
    address,
    ...rest,
  }));
}
