import fc from "fast-check";
import { factsOf } from "./facts.ts";
import { sessions } from "./session-arbitrary.ts";
import type { Session, Tariff } from "./shapes.ts";
import { tariffOf, tariffSketches } from "./tariff-arbitrary.ts";

export interface Case {
  session: Session;
  tariff: Tariff;
}

/**
 * A random session with a random tariff whose restrictions are drawn from what the session meets, so that they
 * are often met exactly. `moot` adds what the standard's text leaves open: currents nobody reports, power of
 * periods without length or energy, limits without their gross side or on expired reservations, `vat` in
 * tariffs no tax applies to, and a fee both for reserving and for its expiry.
 */
export function cases(moot = false): fc.Arbitrary<Case> {
  return fc.tuple(sessions(moot), tariffSketches).map(([{ session, reporting }, sketched]) => ({
    session,
    tariff: tariffOf(sketched, factsOf(session), {
      current: reporting.current,
      limits: moot || session.kind === "normal",
      moot,
    }),
  }));
}
