/**
 * Memory of the gateway (without Node-RED) with 1,000 stations: started, connected, at one reading a
 * second and station, and after ten seconds at full speed. Then how long it takes to be up again after a kill.
 * Options: --stations N (1000), --for SECONDS (60), --json FILE.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { demoDepot, removeDepot } from "../faults/gateway-process.ts";
import { LoadConnections } from "./load-connections.ts";
import { Program, rssMb } from "./processes.ts";

const { values } = parseArgs({
  options: {
    stations: { type: "string", default: "1000" },
    for: { type: "string", default: "60" },
    json: { type: "string" },
  },
});
const stations = Number(values.stations);
const seconds = Number(values.for);

const depot = await demoDepot({ stations });
const logins = [...depot.passwords]
  .filter(([id]) => id.startsWith("cp-"))
  .map(([id, password]) => ({ id, password }));
const command = [process.execPath, "src/laddport.js", "run", "--config", depot.config, "--data", depot.data];
const start = async () => {
  const from = performance.now();
  const gateway = new Program(command, { env: { LADDPORT__FLOWS__ENABLED: "false" } });
  await gateway.says(/gateway up/);
  return { gateway, ms: Math.round(performance.now() - from) };
};
const load = new LoadConnections();
let { gateway, ms: firstStartMs } = await start();
try {
  const rss: Record<string, number> = { started: rssMb(gateway.pid) };
  await load.open(depot.port, depot.site, logins);
  rss.connected = rssMb(gateway.pid);
  await load.openLoop(stations, seconds * 1000);
  rss["1 reading/s each"] = rssMb(gateway.pid);
  const { acked, ms } = await load.closedLoop(10_000);
  rss["after 10 s at full speed"] = rssMb(gateway.pid);
  load.close();
  gateway.child.kill("SIGKILL");
  const again = await start();
  gateway = again.gateway;
  const report = {
    stations,
    rss_mb: rss,
    full_speed_per_s: Math.round((acked / ms) * 1000),
    first_start_ms: firstStartMs,
    restart_ms: again.ms,
  };
  for (const [when, mb] of Object.entries(rss))
    console.log(`${when.padEnd(28)}${mb.toFixed(0).padStart(6)} MB`);
  console.log(`${"full speed".padEnd(28)}${String(report.full_speed_per_s).padStart(6)} /s`);
  console.log(
    `${"start / restart after kill".padEnd(28)}${String(firstStartMs).padStart(6)} / ${again.ms} ms`,
  );
  if (values.json) writeFileSync(values.json, JSON.stringify(report, null, 2));
} finally {
  load.close();
  await gateway.stop();
  removeDepot(depot);
}
