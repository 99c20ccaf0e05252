/** What a cloud finds out about signed bills by itself: whether the meter's own records give the energy billed. */
import type { Cdr } from "../model/cdr.ts";
import type { SignedRecords } from "../model/summary.ts";
import { signedEnergy } from "../rules/ocmf/energy.ts";
import { OcmfError } from "../rules/ocmf/error.ts";
import { parseOcmf } from "../rules/ocmf/record.ts";
import { verifyOcmf } from "../rules/ocmf/verify.ts";

/** Sessions with a bill whose records verify with the key beside them and give its energy, rounded down to Wh. */
export function provenSessions(
  cdrs: ReadonlyMap<string, Cdr>,
  signedRecords: ReadonlyMap<string, SignedRecords>,
): number {
  const proven = new Set<string>();
  for (const [id, records] of signedRecords) {
    const cdr = cdrs.get(id);
    if (cdr && proves(records, cdr.energy_wh)) proven.add(cdr.session_id);
  }
  return proven.size;
}

function proves({ public_key, values }: SignedRecords, wh: number): boolean {
  try {
    const checked = values.map(({ signed_data }) => {
      const record = parseOcmf(signed_data ?? "");
      return { record, verification: verifyOcmf(record, public_key) };
    });
    const { billable, energy_wh } = signedEnergy(...checked);
    return billable && energy_wh?.split(".")[0] === String(wh);
  } catch (error) {
    if (error instanceof OcmfError) return false;
    throw error;
  }
}
