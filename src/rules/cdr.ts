/** Makes the Charge Detail Record of a rated session, in one field order: the same session gives the same bytes. */
import type { Cdr } from "../model/cdr.ts";
import { evseId } from "../model/ids.ts";
import { fixed, ratio } from "../model/money.ts";
import type { SessionRecord } from "../model/session.ts";
import { judge, RATING } from "./rate.ts";

/** What a CDR says beside its session. */
export interface CdrContext {
  /** The site, as OCPI Location id. */
  site: string;
  /** Version of the time zone data in use (`process.versions.tz`). */
  tzdata: string;
}

/**
 * The CDR of a session, or undefined when there is nothing to bill: the session is held, rating holds it
 * (`ratingHolds`), it has no tariff, or delivered nothing while its tariff charges only a flat fee (OCPI: INVALID).
 * `setAside`: it is billed whatever it or rating would hold it for; what has no price costs nothing.
 */
export function cdrOf(session: SessionRecord, context: CdrContext, setAside = false): Cdr | undefined {
  const { tariff } = session;
  if (!tariff || (session.held.length > 0 && !setAside)) return undefined;
  const { rated, holds } = judge(session);
  if (!rated || rated.invalid !== null || (holds.length > 0 && !setAside)) return undefined;
  return {
    id: cdrId(session.session_id),
    session_id: session.session_id,
    start_date_time: new Date(session.started_ms).toISOString(),
    end_date_time: new Date(session.ended_ms).toISOString(),
    time_zone: session.time_zone,
    cdr_token: session.token_ref,
    ...(session.token_group ? { token_group: session.token_group } : {}),
    // Who may charge is decided on site from the list kept there.
    auth_method: "WHITELIST",
    cdr_location: { id: context.site, evse_uid: evseId(session.station, session.evse), connector_id: "1" },
    meter_id: session.segments.at(-1)?.meter_serial ?? null,
    currency: rated.currency,
    tariff,
    ...(session.prices ? { prices: session.prices } : {}),
    charging_periods: rated.charging_periods,
    lines: rated.lines,
    total_cost: rated.total_cost,
    total_fixed_cost: rated.by_dimension.FLAT,
    total_energy_cost: rated.by_dimension.ENERGY,
    total_time_cost: rated.by_dimension.TIME,
    total_parking_cost: rated.by_dimension.PARKING_TIME,
    // A session of ours begins when the car does: reservations have no record yet.
    total_reservation_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    payable: rated.payable,
    total_energy: fixed(ratio(rated.energy_wh, 1000), 3),
    energy_wh: rated.energy_wh,
    energy_source: session.energy_source ?? "registers",
    total_time: hours(rated.total_ms),
    total_parking_time: hours(rated.parking_ms),
    unbilled_time: rated.unbilled_time,
    registers: session.segments,
    ...(session.signed ? { signed_data: session.signed } : {}),
    flags: session.flags,
    warnings: rated.warnings,
    rules: { version: RATING.version, rounding: RATING.rounding, tzdata: context.tzdata },
  };
}

/** At most 39 characters (OCPI 2.2.1, CDR.id). */
function cdrId(sessionId: string): string {
  return `cdr-${sessionId}`;
}

function hours(ms: number): string {
  return fixed(ratio(ms, 3_600_000), 4);
}
