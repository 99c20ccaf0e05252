/** A thread that hangs on an allocation without circuits and answers any other. */
import { type AllocationInput, allocate } from "../../src/rules/allocate.ts";

export default function hang(input: AllocationInput) {
  while (input.parent.length === 0);
  return allocate(input);
}
