/** The CDRs of a log, for commands that show them. */
import type { LogReader } from "../log/log-store.ts";
import type { Cdr } from "../model/cdr.ts";

const PAGE = 1_000;

/** Every CDR in the order of the log, credits among them. */
export async function issuedCdrs(reader: Pick<LogReader, "read">): Promise<Cdr[]> {
  const found: Cdr[] = [];
  for (let after = 0; ; ) {
    const { events, through } = await reader.read(after, { types: ["cdr.issued"], limit: PAGE });
    for (const event of events) if (event.type === "cdr.issued") found.push(event.body);
    if (through === after) return found;
    after = through;
  }
}

export interface FoundCdr {
  cdr: Cdr;
  /** Id of the credit that took it back. */
  creditedBy?: string;
}

/** The CDR with this id, or the newest bill of the session with this id. */
export async function cdrWithId(reader: Pick<LogReader, "read">, id: string): Promise<FoundCdr | undefined> {
  const all = await issuedCdrs(reader);
  const cdr = all.find((one) => one.id === id) ?? all.findLast((one) => one.session_id === id && !one.credit);
  if (!cdr) return undefined;
  const creditedBy = all.find((one) => one.credit && one.credit_reference_id === cdr.id)?.id;
  return { cdr, ...(creditedBy === undefined ? {} : { creditedBy }) };
}
