/** What the config says about erasures: whose law keeps bills, and where else a subject is known. */
import type { Config } from "../config.ts";
import type { ErasureGround } from "../workers/subject-work.ts";

export function erasureGround({ site, upstream, tokens }: Config): ErasureGround {
  return {
    country: site.country,
    timeZone: site.timezone,
    isForwarded: upstream !== undefined,
    tokenFile: tokens.file ?? null,
  };
}
