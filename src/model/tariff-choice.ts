/** Which of the depot's tariffs a session gets: rules in order, the first that matches wins. */
import { z } from "zod";
import { Id } from "./ids.ts";

const instant = z.iso.datetime({
  offset: true,
  error: "write a time with its offset, such as 2026-12-01T00:00:00+01:00",
});

/** All conditions that are there must hold. */
export const TariffChoiceRule = z.object({
  /** Id of the tariff that it chooses. */
  tariff: z.string().min(1).max(36),
  stations: z.array(Id).min(1).optional(),
  /** `station/evse`. */
  evses: z
    .array(z.string().regex(/^[a-z0-9-]{1,36}\/[1-9][0-9]?$/, "write station/evse, such as cp-001/2"))
    .min(1)
    .optional(),
  /** Cost centres of the token list. */
  groups: z.array(Id).min(1).optional(),
  vehicles: z.array(Id).min(1).optional(),
  /** Sessions that start at or after this. RFC 3339. */
  from: instant.optional(),
  /** Sessions that start before this. */
  until: instant.optional(),
});
export type TariffChoiceRule = z.infer<typeof TariffChoiceRule>;
