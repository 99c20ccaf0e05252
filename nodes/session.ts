/** Sends charging sessions as they become facts: started, ended, and billed (rated, or held for a person). */
import type { Config, Node, Red } from "./red.ts";
import { newEvents, toMessage, withGateway } from "./wiring.ts";

const OUTPUT_OF: Readonly<Record<string, number>> = { started: 0, ended: 1, rated: 2, held: 2 };

export default function register(RED: Red): void {
  function Session(this: Node, config: Config & { station?: string }) {
    RED.nodes.createNode(this, config);
    const station = config.station?.trim() || undefined;
    const isNew = newEvents();
    let ended = 0;
    const show = () =>
      this.status({ fill: "green", shape: "dot", text: RED._("session.status.ended", { count: ended }) });

    withGateway(RED, this, config, (connection, release) => {
      release(
        connection.listen("session", (received) => {
          const [event = ""] = received.rest;
          const output = OUTPUT_OF[event];
          if (output === undefined || !isNew(received)) return;
          if (station !== undefined && stationOf(received.body) !== station) return;
          if (event === "ended") ended++;
          show();
          this.send([0, 1, 2].map((i) => (i === output ? toMessage(received, event) : null)));
        }),
      );
      return { connected: show };
    });
  }
  RED.nodes.registerType("laddport-session", Session);
}

/** Session facts name their station; a CDR names it as its OCPI location. */
function stationOf(body: Record<string, unknown>): unknown {
  const location = body.cdr_location as { id?: unknown } | undefined;
  return body.station ?? location?.id;
}
