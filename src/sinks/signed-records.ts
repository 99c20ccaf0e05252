/** The signed records behind CDRs, opened for those who may read the summary. They never go back to the log. */
import type { Unsealed } from "../identity/sealed-reader.ts";
import type { Cdr } from "../model/cdr.ts";
import type { SignedRecords } from "../model/summary.ts";

/** Opens sealed bytes and compares their hash. Throws when the store cannot be read now. */
export type OpenSealed = (value: { sealed_ref: string; sha256: string }) => Unsealed;

/** Bytes of records in one summary: two a CDR are about 200 kB. */
const MOST_BYTES = 4 * 1024 * 1024;
const TOO_LONG = "too long for a summary; laddport cdr signed exports it";

/** One entry a CDR that signed values came with. What a credit takes back came with the bill that it names. */
export function signedRecords(cdrs: readonly Cdr[], open: OpenSealed): SignedRecords[] {
  let left = MOST_BYTES;
  return cdrs.flatMap(({ id, credit, signed_data }) => {
    if (credit || !signed_data) return [];
    const values = signed_data.values.map(({ nature, ...value }) => {
      const opened = open(value);
      if ("missing" in opened) return { nature, signed_data: null, reason: opened.missing };
      if (opened.bytes.length > left) return { nature, signed_data: null, reason: TOO_LONG };
      left -= opened.bytes.length;
      return { nature, signed_data: opened.bytes.toString("utf8") };
    });
    return [{ cdr_id: id, public_key: signed_data.public_key, values }];
  });
}
