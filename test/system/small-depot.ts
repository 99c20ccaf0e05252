/** A depot of six stations on free ports, and a gateway for it without flows. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import pino from "pino";
import { freeDepotPorts, initDemo } from "../../src/cli/init.ts";
import { loadConfig } from "../../src/config.ts";
import { createGateway, type Gateway } from "../../src/main.ts";
import type { ClockOrigin } from "../../src/model/clock.ts";
import { scratchDir } from "../log/sample-events.ts";

/** `more` is appended to the config. */
export async function depot(more = "") {
  const dir = scratchDir();
  const made = await initDemo(join(dir, "depot"), { ports: await freeDepotPorts(), stations: 6 });
  writeFileSync(made.config, `${readFileSync(made.config, "utf8")}\n${more}`);
  const rows = parse(readFileSync(made.credentials_file), { columns: true }) as {
    username: string;
    password: string;
  }[];
  const passwords = new Map(rows.map((r) => [r.username, r.password]));
  return { dir, made, passwords, port: Number(new URL(made.mqtt_url).port) };
}

export function started(configFile: string, dataDir: string, clock?: ClockOrigin): Gateway {
  const config = loadConfig(configFile, { env: { LADDPORT__FLOWS__ENABLED: "false" } });
  return createGateway({ config, dataDir, log: pino({ level: "silent" }), ...(clock ? { clock } : {}) });
}
