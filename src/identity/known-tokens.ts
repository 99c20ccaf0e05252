/** The list of known tokens, by keyed lookups: who may charge, whose cost centre pays, for which vehicle. */
import type { TokenListing } from "../model/event.ts";
import type { RawToken } from "./raw-token.ts";
import type { SubjectFile } from "./subject-file.ts";

export type TokenPolicy = "free" | "known" | "deny";
export interface Decision {
  status: "accepted" | "denied";
  reason: string;
}

export class KnownTokens {
  readonly #file: SubjectFile;
  readonly #lookup: (token: RawToken) => Buffer;

  constructor(file: SubjectFile, lookup: (token: RawToken) => Buffer) {
    this.#file = file;
    this.#lookup = lookup;
  }

  /** Replaces the list; only keyed lookups are kept. */
  replace(
    tokens: Iterable<
      RawToken & {
        status: "accepted" | "blocked";
        validUntilMs: number | null;
        group?: string | null;
        vehicle?: string | null;
      }
    >,
  ): number {
    let n = 0;
    this.#file.write();
    this.#file.sql("DELETE FROM known_token").run();
    for (const token of tokens) {
      this.#file
        .sql(
          "INSERT OR REPLACE INTO known_token(lookup, status, valid_until_ms, token_group, vehicle) VALUES (?,?,?,?,?)",
        )
        .run(
          this.#lookup(token),
          token.status,
          token.validUntilMs,
          token.group ?? null,
          token.vehicle ?? null,
        );
      n += 1;
    }
    this.#file.flush();
    return n;
  }

  /** Who may charge: decided here and now, with no network. A blocked token is denied under every policy. */
  decide(token: RawToken, policy: TokenPolicy, nowMs: number): Decision {
    const known = this.#file
      .sql("SELECT status, valid_until_ms FROM known_token WHERE lookup = ?")
      .get(this.#lookup(token)) as { status: string; valid_until_ms: number | null } | undefined;
    if (known?.status === "blocked") return { status: "denied", reason: "token_blocked" };
    if (known?.valid_until_ms && known.valid_until_ms < nowMs)
      return { status: "denied", reason: "token_expired" };
    if (policy === "deny") return { status: "denied", reason: "policy_deny" };
    if (known) return { status: "accepted", reason: "token_known" };
    if (policy === "free") return { status: "accepted", reason: "policy_free" };
    return { status: "denied", reason: "token_unknown" };
  }

  /** All that the list gives some token. */
  vehicles(): Set<string> {
    const rows = this.#file.sql("SELECT DISTINCT vehicle FROM known_token WHERE vehicle IS NOT NULL").all();
    return new Set((rows as { vehicle: string }[]).map(({ vehicle }) => vehicle));
  }

  /** The cost centre and vehicle that the list gives a token, whatever its status: who charged is not who may. */
  listing(token: RawToken): TokenListing {
    const known = this.#file
      .sql("SELECT token_group, vehicle FROM known_token WHERE lookup = ?")
      .get(this.#lookup(token)) as { token_group: string | null; vehicle: string | null } | undefined;
    return {
      ...(known?.token_group ? { token_group: known.token_group } : {}),
      ...(known?.vehicle ? { vehicle: known.vehicle } : {}),
    };
  }
}
