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
