/** What the ledger thread needs from the config. */
import { type Config, evseSpecs, retentionClocks } from "../config.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { LedgerSettings } from "../workers/ledger-protocol.ts";
import { timeSeriesNames } from "./outbox-settings.ts";
import { VERSION } from "./version.ts";

export function ledgerSettings(
  config: Config,
  dir: string,
  clock: ClockOrigin,
  clockState: SharedArrayBuffer,
): LedgerSettings {
  return {
    site: config.site.id,
    dir,
    clock,
    clockState,
    evses: evseSpecs(config),
    meters: config.meters.map((m) => m.id),
    timeZone: config.site.timezone,
    voltageV: config.grid.voltageV,
    registerModulusWh: registerModuli(config),
    finishingLimitMs: config.sessions.finishingMin * 60_000,
    tariffs: config.tariffs,
    tariffChoice: config.tariffChoice,
    tokenPolicy: config.tokens.policy,
    kekFile: config.identity.kekFile,
    signerCertFile: config.signer.certFile,
    signerKeyFile: config.signer.keyFile,
    version: VERSION,
    rawDays: config.retention.rawDays,
    clocks: retentionClocks(config),
    quarantineDays: config.retention.quarantineDays,
    billsCursor: config.upstream ? "seal" : null,
    timeSeries: timeSeriesNames(config),
  };
}

/** `[EvseId, Wh]` of the stations whose registers wrap. */
function registerModuli(config: Config): [string, number][] {
  return config.stations.flatMap(({ id, evses, registerModulusWh }) =>
    registerModulusWh === undefined
      ? []
      : Array.from({ length: evses }, (_, i): [string, number] => [`${id}/${i + 1}`, registerModulusWh]),
  );
}
