/** The register maps that come with the gateway. */
import { RegisterMap } from "../../../model/register-map.ts";
import { carloGavazziEm24, carloGavazziEm300 } from "./carlo-gavazzi.ts";
import { eastronSdm630 } from "./eastron.ts";
import { janitzaUmg } from "./janitza.ts";
import { sunspecInverter, sunspecMeter } from "./sunspec.ts";

export const REGISTER_MAPS: readonly RegisterMap[] = [
  carloGavazziEm24,
  carloGavazziEm300,
  eastronSdm630,
  janitzaUmg,
  sunspecInverter,
  sunspecMeter,
].map((map) => RegisterMap.parse(map));

/** Of the depot's own first. */
export function mapNamed(id: string, own: readonly RegisterMap[] = []): RegisterMap | undefined {
  return [...own, ...REGISTER_MAPS].find((map) => map.id === id);
}
