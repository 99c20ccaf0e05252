/** The content of a sealed summary as a schema, for those who receive one. Published as docs/schemas/summary.json. */
import { z } from "zod";
import { CdrSchema } from "./cdr-schema.ts";
import { Erasure, Payer, SignedRecords } from "./summary.ts";

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const SummarySchema = z.strictObject({
  type: z.literal("laddport.summary"),
  version: z.literal(1),
  gateway: z.string(),
  site: z.string(),
  epoch: z.int().positive(),
  seq: z.int().positive(),
  previous_sha256: Sha256.nullable(),
  recipients: z.array(Sha256),
  issued_at: z.iso.datetime(),
  tariff_hashes: z.array(Sha256),
  cdrs: z.array(CdrSchema),
  payers: z.array(Payer).exactOptional(),
  erasures: z.array(Erasure).exactOptional(),
  signed_records: z.array(SignedRecords).exactOptional(),
});
