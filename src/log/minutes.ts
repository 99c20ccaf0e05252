/**
 * What stays of pruned samples: one row a station, EVSE and minute of arrival. Prefixes end anywhere, so the rest of a
 * minute is merged into what an earlier step kept of it.
 */

/** Keeps the samples through offset ?1. Each sample may pass here once: run it in the transaction that deletes them. */
export const KEEP_MINUTES = `
  INSERT INTO sample_minute
    (station, evse, minute_ms, samples, energy_import_wh, power_w_mean, power_w_max, power_samples)
  SELECT station, body->>'evse', at_ms - at_ms % 60000, count(*), max(body->>'energy_import_wh'),
         avg(body->>'power_w'), max(body->>'power_w'), count(body->>'power_w')
  FROM sample
  WHERE offset <= ?1 AND type = 'meter.sampled' AND station IS NOT NULL AND body->>'evse' IS NOT NULL
  GROUP BY station, body->>'evse', at_ms - at_ms % 60000
  ON CONFLICT(station, evse, minute_ms) DO UPDATE SET
    samples = samples + excluded.samples,
    energy_import_wh = max(coalesce(energy_import_wh, excluded.energy_import_wh),
                           coalesce(excluded.energy_import_wh, energy_import_wh)),
    power_w_mean = (coalesce(power_w_mean * power_samples, 0)
                    + coalesce(excluded.power_w_mean * excluded.power_samples, 0))
                   / nullif(power_samples + excluded.power_samples, 0),
    power_w_max = max(coalesce(power_w_max, excluded.power_w_max),
                      coalesce(excluded.power_w_max, power_w_max)),
    power_samples = power_samples + excluded.power_samples`;

/** A minute of one EVSE, of which the samples are gone. */
export interface SampleMinute {
  evse: number;
  /** Its start, by arrival: ms since the epoch. */
  minute_ms: number;
  samples: number;
  /** The highest register reading; null when no sample had one. */
  energy_import_wh: number | null;
  power_w_mean: number | null;
  power_w_max: number | null;
}

export const READ_MINUTES = `
  SELECT evse, minute_ms, samples, energy_import_wh, power_w_mean, power_w_max FROM sample_minute
  WHERE station = ?1 AND (?2 IS NULL OR evse = ?2) AND minute_ms > ?3 - 60000 AND minute_ms < ?4
  ORDER BY minute_ms, evse LIMIT ?5`;

/** Sum and number of power readings of an EVSE in one minute. */
export interface PowerMinute {
  minute_ms: number;
  station: string;
  evse: number;
  sum_w: number;
  readings: number;
}

/** What is left of the pruned samples of EVSE ?2 of station ?1 from ?3 to before ?4; both whole minutes. */
export const READ_KEPT_POWER = `
  SELECT minute_ms, station, evse, power_w_mean * power_samples AS sum_w, power_samples AS readings
  FROM sample_minute
  WHERE station = ?1 AND evse = ?2 AND minute_ms >= ?3 AND minute_ms < ?4 AND power_samples > 0`;

/** Of the samples after offset ?1, through ?2. EVSE 0 is the station itself or a meter of the site. */
export const READ_SAMPLED_POWER = `
  SELECT at_ms - at_ms % 60000 AS minute_ms, station, body->>'evse' AS evse,
         sum(body->>'power_w') AS sum_w, count(*) AS readings
  FROM sample
  WHERE offset > ?1 AND offset <= ?2 AND type = 'meter.sampled'
    AND station IS NOT NULL AND body->>'power_w' IS NOT NULL AND body->>'evse' > 0
  GROUP BY 1, 2, 3`;
