/**
 * The data map: what is stored where, why, for how long, and who reads it. Every type of event must be named here, or
 * this page does not compile; a test holds the tables, measurements and topics of `data-map-stores.ts` against the code. `laddport privacy map` and
 * docs/privacy.md are made from it.
 */
import { alert, type DataEntry, entry, own, sample, state, summary, transaction } from "./data-map-entry.ts";
import type { EventType } from "./event.ts";

const decision = entry(
  [
    "A session or bill with the decision of a person about it, and who decided.",
    "En laddning eller faktura med en persons beslut om den, och vem som beslutat.",
  ],
  "law",
  "pseudonym",
  "books",
  "billing",
  "privacy",
);

const gridOrder = entry(
  [
    "Orders of the grid operator, and whether the meter shows that they are kept.",
    "Nätägarens order, och om mätaren visar att de följs.",
  ],
  "grid",
  "none",
  "log",
  "operator",
);

const departure = entry(
  [
    "When a vehicle or whoever stands at an EVSE leaves and with how much, by ids of the depot's own, never names.",
    "När ett fordon, eller den som står vid ett uttag, avgår och med hur mycket, med depåns egna id, aldrig namn.",
  ],
  "control",
  "pseudonym",
  "events",
  "operator",
);

/** Facts and samples of the log, by type. */
export const EVENTS: Readonly<Record<EventType, DataEntry>> = {
  "station.announced": state,
  "station.connected": state,
  "station.disconnected": state,
  "status.reported": state,
  "meter.sampled": sample,
  "limit.confirmed": sample,
  "setpoint.sent": sample,
  "clock.ticked": { ...own, kept: "raw" },
  "transaction.started": transaction,
  "transaction.updated": transaction,
  "transaction.ended": transaction,
  "token.decided": entry(
    ["Whether a token may charge, by its token_ref.", "Om en bricka får ladda, med dess token_ref."],
    "who",
    "pseudonym",
    "events",
    "billing",
    "privacy",
  ),
  "message.quarantined": entry(
    [
      "That a message was refused and why; its bytes are sealed.",
      "Att ett meddelande avvisats och varför; innehållet är förseglat.",
    ],
    "run",
    "none",
    "events",
    "operator",
  ),
  "session.started": transaction,
  "session.corrected": transaction,
  "session.ended": entry(
    [
      "A session with all that its price follows from: energy, times, token_ref, cost centre, vehicle.",
      "En laddning med allt som priset följer av: energi, tider, token_ref, kostnadsställe, fordon.",
    ],
    "law",
    "pseudonym",
    "books",
    "billing",
    "privacy",
  ),
  "session.revised": decision,
  "hold.released": decision,
  "session.voided": decision,
  "cdr.credited": decision,
  "cdr.issued": entry(
    ["A bill, by the payer's token_ref.", "En faktura, med betalarens token_ref."],
    "law",
    "pseudonym",
    "books",
    "billing",
    "privacy",
    "cloud",
  ),
  "tariff.adopted": entry(["Tariffs in force.", "Gällande tariffer."], "law", "none", "log", "billing"),
  "prices.published": entry(
    ["Prices by time.", "Priser över tid."],
    "law",
    "none",
    "log",
    "billing",
    "flows",
  ),
  "departures.set": departure,
  "departures.removed": departure,
  "timetable.set": entry(
    [
      "The depot's weekly timetable: which vehicle leaves when and with how much, by ids of the depot's own.",
      "Depåns veckotidtabell: vilket fordon som avgår när och med hur mycket, med depåns egna id.",
    ],
    "control",
    "none",
    "log",
    "operator",
  ),
  "vehicle.learned": entry(
    [
      "Phases and currents that a vehicle was seen to charge with.",
      "Faser och strömmar som ett fordon setts ladda med.",
    ],
    "control",
    "none",
    "log",
    "operator",
  ),
  "meter_key.accepted": entry(
    ["Key of a meter, and who accepted it.", "En mätares nyckel, och vem som godkänt den."],
    "bill",
    "staff",
    "log",
    "billing",
    "admin",
  ),
  "grid.ordered": gridOrder,
  "grid.order_ended": gridOrder,
  "grid.order_met": gridOrder,
  "grid.order_missed": gridOrder,
  "load.measured": entry(
    [
      "What a circuit draws besides charging, and imports, by quarter hour.",
      "Vad en krets drar utöver laddning, och köper in, per kvart.",
    ],
    "control",
    "none",
    "series",
    "operator",
  ),
  "summary.sealed": summary,
  "summary.acknowledged": summary,
  "summary.rejected": summary,
  "summary.forgotten": summary,
  "subject.erased": entry(
    [
      "That a subject was erased, when and on what ground, under a pseudonym that leads to nobody.",
      "Att en persons uppgifter raderats, när och på vilken grund, under en pseudonym som inte leder till någon.",
    ],
    "account",
    "pseudonym",
    "log",
    "privacy",
    "cloud",
  ),
  "log.restored": own,
  "alert.raised": alert,
  "alert.cleared": alert,
  "audit.recorded": entry(
    [
      "Who did what, when and why: reads of personal data, commands, changes of config and users, erasures.",
      "Vem som gjort vad, när och varför: läsning av personuppgifter, kommandon, ändringar av inställningar och användare, radering.",
    ],
    "account",
    "staff",
    "audit",
    "privacy",
  ),
  "gateway.started": own,
  "gateway.stopped": own,
  "samples.pruned": own,
  "facts.emptied": own,
  "log.damaged": own,
};
