/** What a schema has against a message, in words for who sent it. */
import type { z } from "zod";

/** The first fault: a JSON pointer (RFC 6901, keys unescaped) and what is wrong there: `/data/limit_a: expected number`. */
export function firstFault({ issues: [issue] }: z.ZodError): string {
  return `/${issue?.path.join("/") ?? ""}: ${issue?.message ?? "not of the contract"}`;
}
