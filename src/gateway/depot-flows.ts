/** The integrator's flows beside the gateway: charging and billing do not wait for them. */
import { resolve } from "node:path";
import { readSecret } from "../config.ts";
import { type Caller, may } from "../identity/access.ts";
import { createFlows, type Flows } from "../node-red.ts";
import { freePort } from "./free-port.ts";
import type { Parts } from "./parts.ts";

/** Undefined when the config has no flows. `tcpPort`: the broker's door on loopback. */
export async function depotFlows(
  parts: Parts,
  tcpPort: number | undefined,
): Promise<{ flows: Flows; url: string } | undefined> {
  const { config, alerts, dataDir, log, people } = parts;
  const settings = config.flows;
  if (!settings?.enabled || tcpPort === undefined) return undefined;
  // Chosen here, so that the editor's address is known before Node-RED is up.
  const port = settings.port === 0 ? await freePort() : settings.port;
  const flows = createFlows({
    // Beside the data directory, not in it: that one is closed to the user that flows run as.
    userDir: `${resolve(dataDir)}-flows`,
    mqtt: {
      url: `mqtt://127.0.0.1:${tcpPort}`,
      site: config.site.id,
      username: "flows",
      password: readSecret(settings.passwordFile),
    },
    port,
    memoryMb: settings.memoryMb,
    ...(settings.adminPasswordHashFile
      ? { admin: { username: "admin", passwordHash: readSecret(settings.adminPasswordHashFile) } }
      : {}),
    editorAccess: (name, code) => accessOf(people.redeemEditorCode(name, code)),
    credentialSecret: readSecret(settings.credentialSecretFile),
    log: log.child({ part: "flows" }),
    onState(state, reason) {
      log.info({ state, reason }, "flows");
      if (state === "up") alerts.clear("flows_down");
      if (state === "restarting" || state === "safe_mode") flowsDown(parts, reason);
    },
  });
  people.onChanged((name) => flows.forget(name));
  return { flows, url: `http://127.0.0.1:${port}` };
}

function accessOf(caller: Caller | undefined) {
  if (!caller) return undefined;
  if (may(caller.role, "admin")) return "write";
  return may(caller.role, "command") ? "read" : undefined;
}

/** Starts them; that they cannot start is an alert, not the end of the gateway's start. */
export async function startFlows(parts: Parts, flows: Flows): Promise<void> {
  try {
    await flows.start();
  } catch (error) {
    parts.log.error({ err: error }, "LP701 flows cannot start");
    flowsDown(parts, (error as Error).message);
  }
}

function flowsDown({ alerts }: Parts, cause: string): void {
  alerts.raise({ id: "flows_down", kind: "flows_down", severity: "warning", subject: "flows", cause });
}
