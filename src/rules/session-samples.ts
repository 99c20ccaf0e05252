/** Meter samples: they find their session by transaction, or belong to whichever is open at the EVSE. */
import type { EventBodies } from "../model/event.ts";
import { sessionMs } from "./session-clock.ts";
import { endWhenSigned } from "./session-close.ts";
import { closedWith, lateRegister, resumesClosed } from "./session-late.ts";
import { takeAfterStop, takeSample } from "./session-meter.ts";
import { hear, learnInterval } from "./session-observe.ts";
import type { EvsePart, OpenSession } from "./session-part.ts";
import { takeSigned } from "./session-signed.ts";
import type { Message } from "./session-step.ts";
import { NOBODY } from "./session-tariff.ts";
import { extendBack, namesTransaction, openMidway, precedes } from "./session-transactions.ts";

type Sample = EventBodies["meter.sampled"];

export function meterSampled(m: Message, evse: EvsePart, body: Sample): void {
  const { session } = evse;
  const txRef = body.tx_ref;
  if (!namesTransaction(txRef)) {
    if (session) takeBody(m, evse, session, body);
    return;
  }
  if (session?.txRefs.includes(txRef)) {
    takeBody(m, evse, session, body);
    return;
  }
  const closed = closedWith(evse, txRef);
  if (closed && (session || !resumesClosed(m, evse, closed))) {
    const serial = body.meter_serial ?? m.part.meterSerial;
    if (body.energy_import_wh !== undefined) lateRegister(m, evse, closed, body.energy_import_wh, serial);
    return;
  }
  if (session && precedes(m, session)) return;
  openMidway(m, evse, txRef, NOBODY, undefined, (opened) => takeBody(m, evse, opened, body));
}

function takeBody(m: Message, evse: EvsePart, session: OpenSession, body: Sample): void {
  const ms = sessionMs(session, m.atMs, m.tsMs);
  // Begin values are read before the transaction is: the transaction that they name says whose they are.
  const isNamed = namesTransaction(body.tx_ref);
  if (isNamed) takeSigned(session, body.signed);
  if (ms < session.startedMs) {
    if (body.tx_ref === undefined || !session.flags.includes("START_MISSING")) return;
    extendBack(session, ms);
  }
  hear(m, evse, session, ms);
  if (body.context === "sample.periodic" || body.context === "sample.clock") learnInterval(evse, ms);
  if (m.late && session.clock === "gateway") return;
  if (!isNamed) takeSigned(session, body.signed);
  takeExport(session, body.energy_export_wh);
  const wh = body.energy_import_wh;
  if (session.rebooted && resumes(session, body)) session.rebooted = null;
  endWhenSigned(m, m, evse, session);
  if (wh === undefined || evse.session !== session) return;
  const reading = { wh, ms, atMs: m.atMs, serial: body.meter_serial ?? m.part.meterSerial };
  if (session.stop) takeAfterStop(session, reading, m.limits, body.context === "transaction.end");
  else takeSample(session, evse, reading, m.limits);
}

/** After a boot a sample shows that the transaction goes on when it names it or when its register grew. */
function resumes(session: OpenSession, body: Sample): boolean {
  if (namesTransaction(body.tx_ref)) return true;
  const lastWh = session.main.segments.at(-1)?.to_wh;
  return lastWh !== undefined && body.energy_import_wh !== undefined && body.energy_import_wh > lastWh;
}

function takeExport(session: OpenSession, wh: number | undefined): void {
  if (wh === undefined) return;
  if (!session.exported) session.exported = { fromWh: wh, toWh: wh };
  else if (wh > session.exported.toWh) session.exported.toWh = wh;
}
