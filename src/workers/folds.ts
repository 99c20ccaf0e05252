/** The folds that the ledger runs, in order: what an earlier one emits is an event that the later ones see. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../model/canonical-json.ts";
import type { EventBodies } from "../model/event.ts";
import type { Fold } from "../model/fold.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { Tariff, TariffVersion } from "../model/tariff.ts";
import { alertsFold } from "../rules/fold-alerts.ts";
import { billingFold } from "../rules/fold-billing.ts";
import { sessionsFold } from "../rules/fold-sessions.ts";
import { SESSION_DEFAULTS, type SessionsOptions } from "../rules/session-step.ts";
import type { LedgerSettings } from "./ledger-protocol.ts";

export function folds(settings: LedgerSettings): Fold[] {
  const sessions = sessionsFold(sessionsOptions(settings));
  const billing = billingFold({ site: settings.site, tzdata: process.versions.tz ?? "unknown" });
  return [sessions, billing, alertsFold()] as Fold[];
}

/** What the sessions fold is made with, and whoever reads its state. */
export function sessionsOptions(settings: LedgerSettings): SessionsOptions {
  const { voltageV, finishingLimitMs } = settings;
  // Latency is wire time: on a scaled clock a message's way alone looks like skew.
  const clockSkewMs = SESSION_DEFAULTS.clockSkewMs * settings.clock.speed;
  const evses = new Map(settings.evses.map((spec) => [evseId(spec.station, spec.evse), spec]));
  const registerModulusWh = new Map(settings.registerModulusWh as [EvseId, number][]);
  return {
    evses,
    timeZone: settings.timeZone,
    voltageV,
    registerModulusWh,
    settings: { finishingLimitMs, clockSkewMs },
  };
}

/** What a gateway with these settings adopts; undefined without a tariff. */
export function adoption({
  tariffs,
  tariffChoice: choice,
}: Pick<LedgerSettings, "tariffs" | "tariffChoice">): EventBodies["tariff.adopted"] | undefined {
  const versions = tariffs.map(tariffVersion);
  const [tariff] = versions;
  if (!tariff) return undefined;
  const hash = sha256({ tariffs: versions.map((version) => version.hash), choice });
  return { tariff, tariffs: versions, choice, hash };
}

/** Freezes a tariff: its hash is over JSON with sorted keys, so that spelling does not make a new version. */
export function tariffVersion(body: Tariff): TariffVersion {
  return { hash: sha256(body), body };
}

const sha256 = (value: unknown) => createHash("sha256").update(canonicalJson(value)).digest("hex");
