/** Sends alerts from a chosen severity up, when raised and when cleared. */
import { type AlertMessage, SEVERITIES } from "./contract.ts";
import type { Config, Node, Red } from "./red.ts";
import { newEvents, toMessage, withGateway } from "./wiring.ts";

interface AlertConfig extends Config {
  severity?: AlertMessage["severity"];
  /** Alert kinds, comma separated; empty means all. */
  kinds?: string;
  cleared?: boolean;
}

export default function register(RED: Red): void {
  function Alert(this: Node, config: AlertConfig) {
    RED.nodes.createNode(this, config);
    const least = Math.max(0, SEVERITIES.indexOf(config.severity ?? "warning"));
    const kinds = new Set((config.kinds ?? "").split(/[\s,]+/).filter(Boolean));
    const active = new Set<string>();
    const isNew = newEvents();
    const show = () =>
      this.status({
        fill: active.size > 0 ? "yellow" : "green",
        shape: "dot",
        text: RED._("alert.status.active", { count: active.size }),
      });

    withGateway(RED, this, config, (connection, release) => {
      release(
        connection.listen("alert", (received) => {
          const [event = ""] = received.rest;
          const alert = received.body as unknown as AlertMessage;
          if (SEVERITIES.indexOf(alert.severity) < least) return;
          if ((kinds.size > 0 && !kinds.has(alert.kind)) || !isNew(received)) return;
          if (event === "raised") active.add(alert.id);
          else active.delete(alert.id);
          show();
          if (event === "raised" || config.cleared !== false) this.send(toMessage(received, event));
        }),
      );
      return { connected: show };
    });
  }
  RED.nodes.registerType("laddport-alert", Alert);
}
