/** Config node: the one MQTT connection. Left blank it takes url, site and credentials from the gateway that started it. */
import { openConnection } from "./connection.ts";
import type { Config, GatewayNode, Red, TlsNode } from "./red.ts";

export default function register(RED: Red): void {
  function Gateway(this: GatewayNode, config: Config & { url?: string; site?: string; tls?: string }) {
    RED.nodes.createNode(this, config);
    const supplied = RED.settings.laddport;
    const url = config.url?.trim() || supplied?.url;
    const site = config.site?.trim() || supplied?.site;
    // The supplied password goes to the supplied address only: another url brings its own.
    const own = url !== supplied?.url;
    const username = this.credentials?.username || (own ? "flows" : (supplied?.username ?? "flows"));
    const password = this.credentials?.password || (own ? "" : (supplied?.password ?? ""));
    if (!url || !site) {
      this.error(RED._("gateway.error.incomplete"));
      return;
    }
    const tls = RED.nodes.getNode(config.tls) as TlsNode | null;
    const connection = openConnection(
      { url, site, username, password, ...(tls && { tls: tls.addTLSOptions({}) }) },
      (text) => this.warn(RED._("gateway.error.problem", { url, text })),
    );
    this.connection = connection;
    this.on("close", (_removed, done) => {
      connection.stop().then(done, done);
    });
  }

  RED.nodes.registerType("laddport-gateway", Gateway, {
    credentials: { username: { type: "text" }, password: { type: "password" } },
  });

  RED.httpAdmin.get("/laddport/:id/evses", RED.auth.needsPermission("laddport.read"), (request, response) => {
    const node = RED.nodes.getNode(request.params.id) as GatewayNode | null;
    response.json(node?.connection?.evses() ?? []);
  });
}
