/** A process that seals and delivers until it is killed: `outbox-child.ts DIR URL SETTINGS`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Credentials } from "../../src/identity/certificates.ts";
import { createSealSink } from "../../src/sinks/seal.ts";
import { createUpstreamSink } from "../../src/sinks/upstream.ts";
import { mqttUpstream } from "../../src/sinks/upstream-mqtt.ts";
import { seal } from "../../src/workers/cms.ts";
import { openOutbox } from "../sinks/outbox.ts";

const [dir = "", url = ""] = process.argv.slice(2);
const { signer, recipients } = JSON.parse(await readFile(join(dir, "settings.json"), "utf8")) as {
  signer: Credentials;
  recipients: string[];
};
const gateway = "gw-ringon";
const { context } = await openOutbox(dir);
const sealing = createSealSink(context, {
  openSealed: () => ({ missing: "no store" }),
  ...{ gateway, site: "ringon", epoch: 1, recipients: { certPems: recipients }, maxCdrs: 3 },
  payerOf: (tokenRef) => ({ payer: tokenRef }),
  seal: async (payload) => seal(payload, signer, recipients),
});
const transport = mqttUpstream({
  url,
  site: "ringon",
  clientId: gateway,
  reconnect: { minMs: 20, maxMs: 100 },
});
const receiptTimeout = { minMs: 200, maxMs: 1000 };
const upstream = createUpstreamSink(context, { gateway, transport, receiptTimeout });
sealing.start();
upstream.start();
process.send?.("started");
