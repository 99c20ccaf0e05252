/** Sends the state of one EVSE, of a station's, or of all: on change, or the newest every n seconds. */
import type { Received } from "./connection.ts";
import type { EvseState } from "./contract.ts";
import type { Config, Node, Red, Status } from "./red.ts";
import { kilowatts, toMessage, withGateway } from "./wiring.ts";

interface ChargerConfig extends Config {
  station?: string;
  evse?: string;
  mode?: "change" | "interval";
  intervalS?: number | string;
}

export default function register(RED: Red): void {
  function Charger(this: Node, config: ChargerConfig) {
    RED.nodes.createNode(this, config);
    const station = config.station?.trim() || undefined;
    const evse = config.evse?.toString().trim() || undefined;
    const newest = new Map<string, Received>();
    const contents = new Map<string, string>();

    const wanted = ({ rest }: Received) =>
      (station === undefined || rest[0] === station) && (evse === undefined || rest[1] === evse);
    const show = () =>
      this.status(
        statusOf(
          RED,
          [...newest.values()].map((r) => r.body as EvseState),
        ),
      );
    let showing: NodeJS.Timeout | undefined;
    // A whole depot changes many times a second; the editor needs it twice a second.
    const showSoon = () => {
      showing ??= setTimeout(() => {
        showing = undefined;
        if (online) show();
      }, 500);
    };
    let online = false;

    withGateway(RED, this, config, (connection, release) => {
      release(
        connection.listen("state", (received) => {
          if (!wanted(received)) return;
          newest.set(received.topic, received);
          showSoon();
          if (config.mode === "interval" || !changed(contents, received)) return;
          this.send(toMessage(received));
        }),
      );
      if (config.mode === "interval") {
        const seconds = Math.max(1, Number(config.intervalS) || 10);
        const timer = setInterval(() => {
          for (const received of newest.values()) this.send(toMessage(received));
        }, seconds * 1000);
        release(() => clearInterval(timer));
      }
      release(connection.onConnected((up) => (online = up)));
      release(() => clearTimeout(showing));
      return { connected: show };
    });
  }
  RED.nodes.registerType("laddport-charger", Charger);
}

/** The time alone is no change; a reconnect replays retained state. */
function changed(contents: Map<string, string>, { topic, body }: Received): boolean {
  const { ts: _ts, ...rest } = body;
  const content = JSON.stringify(rest);
  if (contents.get(topic) === content) return false;
  contents.set(topic, content);
  return true;
}

function statusOf(RED: Red, states: EvseState[]): Status {
  const [only] = states;
  if (!only) return { fill: "grey", shape: "ring", text: RED._("charger.status.waiting") };
  const live = states.filter((s) => s.charging_state === "charging");
  const kw = kilowatts(live.reduce((sum, s) => sum + (s.power_w ?? 0), 0));
  if (states.length > 1)
    return {
      fill: live.length > 0 ? "green" : "grey",
      shape: "dot",
      text: RED._("charger.status.live-many", { count: live.length, kw }),
    };
  if (only.online === false) return { fill: "grey", shape: "ring", text: RED._("charger.status.away") };
  if (only.connector_state === "faulted")
    return { fill: "red", shape: "dot", text: RED._("charger.status.faulted") };
  if (live.length > 0) return { fill: "green", shape: "dot", text: RED._("charger.status.live", { kw }) };
  if (only.charging_state?.startsWith("suspended"))
    return { fill: "yellow", shape: "dot", text: RED._("charger.status.paused") };
  return { fill: "grey", shape: "dot", text: RED._("charger.status.idle") };
}
