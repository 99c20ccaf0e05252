import { describe, expect, it } from "vitest";
import type { Cdr } from "../../src/model/cdr.ts";
import { SignedRecords } from "../../src/model/summary.ts";
import { signedRecords } from "../../src/sinks/signed-records.ts";
import { sampleCdr } from "../workers/sample-summary.ts";

function signed(n: number, refs: readonly string[]): Cdr {
  const values = refs.map((sealed_ref) => ({ nature: "End" as const, sealed_ref, sha256: "ab" }));
  const evidence = {
    encoding_method: "OCMF" as const,
    public_key: "3059",
    meter_serial: "M-1",
    verified: true,
    reasons: [],
    begin: null,
    end: null,
  };
  return { ...sampleCdr(n), signed_data: { ...evidence, values } };
}

describe("signed records of a summary", () => {
  it("are those of the bills that have some, in order, whole", () => {
    const cdrs = [sampleCdr(1), signed(2, ["a", "b"]), { ...signed(3, ["c"]), credit: true as const }];
    const found = signedRecords(cdrs, ({ sealed_ref }) => ({ bytes: Buffer.from(`OCMF|ä|${sealed_ref}`) }));
    expect(found).toEqual([
      {
        cdr_id: cdrs[1]?.id,
        public_key: "3059",
        values: [
          { nature: "End", signed_data: "OCMF|ä|a" },
          { nature: "End", signed_data: "OCMF|ä|b" },
        ],
      },
    ]);
    for (const records of found) expect(SignedRecords.parse(records)).toEqual(records);
  });

  it("say why one is missing: erased, or too long for a summary", () => {
    const long = Buffer.alloc(3 * 1024 * 1024, "x");
    const open = ({ sealed_ref }: { sealed_ref: string }) =>
      sealed_ref === "gone" ? { missing: "erased: its key was destroyed" } : { bytes: long };
    const [first] = signedRecords([signed(1, ["gone", "long", "longer"])], open);
    expect(first?.values.map(({ signed_data, reason }) => [signed_data?.length ?? null, reason])).toEqual([
      [null, "erased: its key was destroyed"],
      [long.length, undefined],
      [null, expect.stringContaining("too long")],
    ]);
  });
});
