/** What has been charged and billed so far, summed from facts as they come: the closing figures of a run. */
import type { LogReader } from "../log/log-store.ts";
import type { Event } from "../model/event.ts";

export interface BookedSession {
  session_id: string;
  station: string;
  started_ms: number;
  ended_ms: number;
  energy_wh: number;
  /** Null when there is no CDR (held, or nothing billable). */
  billed_wh: number | null;
  held: boolean;
  /** Its energy is what the meter signed. */
  signed: boolean;
}

export class Books {
  readonly #reader: Pick<LogReader, "read">;
  readonly #sessions = new Map<string, BookedSession>();
  #through = 0;

  constructor(reader: Pick<LogReader, "read">) {
    this.#reader = reader;
  }

  /** Sessions that have ended, in order of their end. Reads only what is new. */
  async sessions(): Promise<BookedSession[]> {
    for (;;) {
      const { events, through } = await this.#reader.read(this.#through, {
        types: ["session.ended", "session.revised", "hold.released", "session.voided", "cdr.issued"],
        limit: 1000,
      });
      for (const event of events) this.#enter(event);
      if (through === this.#through) return [...this.#sessions.values()];
      this.#through = through;
    }
  }

  #enter(event: Event): void {
    if (event.type === "session.ended") {
      const { session_id, station, started_ms, ended_ms, energy_wh, energy_source, held } = event.body;
      this.#sessions.set(session_id, {
        session_id,
        station,
        started_ms,
        ended_ms,
        energy_wh,
        billed_wh: null,
        held: held.length > 0,
        signed: energy_source === "signed",
      });
    }
    const known = this.#sessions.get((event.body as { session_id?: string }).session_id ?? "");
    if (!known) return;
    switch (event.type) {
      case "session.revised": {
        const { started_ms, ended_ms, energy_wh, held } = event.body.record;
        Object.assign(known, { started_ms, ended_ms, energy_wh, held: held.length > 0 });
        return;
      }
      case "hold.released":
      case "session.voided":
        known.held = false;
        return;
      case "cdr.issued":
        known.billed_wh = event.body.credit ? null : event.body.energy_wh;
    }
  }
}
