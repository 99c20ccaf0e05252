/**
 * How long a gateway takes from its start to accepting, with a long WAL left behind by a kill and everything in it to
 * be folded again: more than a depot can have, where the WAL begins again at 16 MB and snapshots are seconds old.
 * Options: --wal MB (64), --runs N (3).
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openSqliteStoreNow } from "../../src/log/sqlite-store.ts";
import { demoDepot, GatewayProcess, removeDepot } from "../faults/gateway-process.ts";
import { sample } from "../log/sample-events.ts";
import { Program } from "./processes.ts";

const { values } = parseArgs({
  options: {
    wal: { type: "string", default: "64" },
    runs: { type: "string", default: "3" },
    fill: { type: "string" },
  },
});
const MB = 1024 * 1024;

/** Writes as the ledger does, one station after another, and dies without a checkpoint. */
function fillAndDie(file: string): void {
  const store = openSqliteStoreNow(file);
  for (let n = 0; statSync(`${file}-wal`).size < Number(values.wal) * MB; n += 20) {
    const events = Array.from({ length: 20 }, (_, i) =>
      sample(n + i, `cp-${String(1 + ((n + i) % 24)).padStart(3, "0")}`, Date.now()),
    );
    store.commitNow({ events });
  }
  process.kill(process.pid, "SIGKILL");
}

async function bench(): Promise<void> {
  for (let run = 0; run < Number(values.runs); run += 1) {
    const depot = await demoDepot();
    const gateway = GatewayProcess.of(depot);
    await gateway.start();
    await gateway.kill();
    const file = join(depot.data, "log.db");
    const fill = new Program([process.execPath, ...process.argv.slice(1), "--fill", file]);
    await new Promise((resolve) => fill.child.once("exit", resolve));
    const wal = statSync(`${file}-wal`).size / MB;
    const from = performance.now();
    await gateway.start();
    const ms = performance.now() - from;
    const replayed = [...gateway.output.matchAll(/"replayed":(\d+)/g)].at(-1)?.[1] ?? "";
    process.stdout.write(
      `WAL ${wal.toFixed(0).padStart(4)} MB, ${replayed.padStart(7)} events folded again: accepting after ${Math.round(ms)} ms\n`,
    );
    await gateway.kill();
    removeDepot(depot);
  }
}

if (values.fill) fillAndDie(values.fill);
else await bench();
