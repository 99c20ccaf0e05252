/** Reads what the gateway sends. What breaks the contract, or was rejected, is kept for the report: it is a finding. */
import type { ZodType } from "zod";
import { Rejected } from "../model/messages.ts";

export interface ContractReader {
  /** The message, or undefined when it is not what the contract says. */
  read<T>(schema: ZodType<T>, payload: Buffer): T | undefined;
  /** Notes an `out/{station}/rejected`. */
  rejected(payload: Buffer): void;
  readonly faults: readonly string[];
}

const KEPT = 20;

export function createContractReader(): ContractReader {
  const faults: string[] = [];
  const note = (text: string) => {
    if (faults.length < KEPT) faults.push(text);
  };
  const reader: ContractReader = {
    faults,
    read(schema, payload) {
      try {
        return schema.parse(JSON.parse(payload.toString()));
      } catch (error) {
        note(
          `${error instanceof Error ? error.message : String(error)} in ${payload.toString().slice(0, 200)}`,
        );
        return undefined;
      }
    },
    rejected(payload) {
      const answer = reader.read(Rejected, payload);
      if (answer) note(`rejected ${answer.ref.topic}: ${answer.code} ${answer.message}`);
    },
  };
  return reader;
}
