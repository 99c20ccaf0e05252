/** What the config says about erasures: whose law keeps bills, and where else a subject is known. */
import { type Config, retentionClocks } from "../config.ts";
import type { ErasureGround } from "../workers/subject-work.ts";

export function erasureGround(config: Config): ErasureGround {
  const { site, upstream, tokens, retention } = config;
  return {
    country: site.country,
    books: retentionClocks(config),
    quarantineDays: retention.quarantineDays,
    isForwarded: upstream !== undefined,
    tokenFile: tokens.file ?? null,
  };
}
