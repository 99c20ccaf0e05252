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

/**
 * The CDR with this id, or the one that was first made for the session with this id. Bills are looked up by key first:
 * only those that correct others need the whole log.
 */
export async function cdrWithId(
  reader: Pick<LogReader, "read" | "factByKey">,
  id: string,
): Promise<Cdr | undefined> {
  for (const key of [id, id.replace(/^cdr-/, "")]) {
    const fact = await reader.factByKey(`cdr.issued:${key}`);
    if (fact?.type === "cdr.issued" && (fact.body.id === id || fact.body.session_id === id)) return fact.body;
  }
  const all = await issuedCdrs(reader);
  return all.find((cdr) => cdr.id === id) ?? all.find((cdr) => cdr.session_id === id);
}
