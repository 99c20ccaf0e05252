/** Money before and after tax, in whole ten-thousandths. */
import type { Price } from "../../model/cdr.ts";
import { fixedOf } from "./exact.ts";

export interface Amount {
  net: number;
  gross: number;
}

/** With four decimals, the precision of OCPI's numbers. */
export function priceText({ net, gross }: Amount): Price {
  return { excl_vat: fixedOf(net, 4), incl_vat: fixedOf(gross, 4) };
}
