/**
 * Time and safety of the allocation: 1,000 connectors in a three-level tree (site, 10 boards, 100 rows), also with
 * the lines of the site kept within 32 A of each other, and 10,000 random instances checked against every limit by code of its own.
 *
 *     node test/bench/allocate.ts [--json] [--rounds N] [--instances N]
 */
import { parseArgs } from "node:util";
import type { Circuit } from "../../src/model/circuit.ts";
import { PHASE_ORDERS } from "../../src/model/circuit.ts";
import { allocate } from "../../src/rules/allocate.ts";
import { lineMask } from "../../src/rules/allocate-tree.ts";
import { type Car, inputOf, randomCase, seeded, violations } from "../rules/allocation-cases.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "2000" },
    instances: { type: "string", default: "10000" },
  },
});

function depot(connectors: number, random: () => number) {
  const perLine = (a: number) => [a, a, a] as const;
  const circuits: Circuit[] = [{ id: "site", parent: null, limitA: perLine(connectors * 9), meter: null }];
  for (let b = 0; b < 10; b++) {
    circuits.push({ id: `board-${b}`, parent: "site", limitA: perLine(connectors), meter: null });
    for (let r = 0; r < 10; r++)
      circuits.push({
        id: `row-${b}-${r}`,
        parent: `board-${b}`,
        limitA: perLine(Math.ceil(connectors / 8)),
        meter: null,
      });
  }
  const cars: Car[] = Array.from({ length: connectors }, (_, i) => ({
    circuit: `row-${i % 10}-${Math.floor(i / 10) % 10}`,
    lines: lineMask(PHASE_ORDERS[i % 3] ?? "L1L2L3", i % 4 === 0 ? 1 : 3),
    minA: 6,
    capA: [16, 32, 6 + 26 * random()][i % 3] ?? 32,
    weight: i % 5 === 0 ? 2 : 1,
    rank: 1 + Math.floor(random() * 3),
  }));
  return inputOf(circuits, cars);
}

function timing(connectors: number, rounds: number, unbalanceA: number | null) {
  const random = seeded(connectors);
  const { tree, input } = depot(connectors, random);
  if (unbalanceA !== null)
    input.unbalanceA = Float64Array.from(tree.parent, (p) => (p < 0 ? unbalanceA : Infinity));
  const rooms = input.roomA.slice();
  const took: number[] = [];
  /** CPU of this thread: what is left of the time when other programs want the core. */
  let spentMs = 0;
  let wrong = 0;
  for (let round = 0; round < rounds + 200; round++) {
    for (let k = 0; k < rooms.length; k++) input.roomA[k] = (rooms[k] ?? 0) * (0.6 + 0.5 * random());
    const cpuBefore = process.threadCpuUsage();
    const before = performance.now();
    const answer = allocate(input);
    const ms = performance.now() - before;
    const cpu = process.threadCpuUsage(cpuBefore);
    if (round >= 200) {
      took.push(ms);
      spentMs += (cpu.user + cpu.system) / 1000;
    }
    if (round % 100 === 0) wrong += violations(input, answer).length;
  }
  took.sort((a, b) => a - b);
  const at = (q: number) => took[Math.min(took.length - 1, Math.floor(q * took.length))] ?? Number.NaN;
  return {
    connectors,
    unbalance_a: unbalanceA,
    rounds,
    median_ms: at(0.5),
    cpu_mean_ms: spentMs / rounds,
    p99_ms: at(0.99),
    worst_ms: at(1),
    violations: wrong,
  };
}

function safety(instances: number) {
  let wrong = 0;
  let evses = 0;
  for (let seed = 1; seed <= instances; seed++) {
    const { input } = randomCase(seeded(seed), 100);
    evses += input.circuit.length;
    if (violations(input, allocate(input)).length > 0) wrong++;
  }
  return { instances, evses, violations: wrong };
}

const rounds = Number(values.rounds);
const result = {
  timing: [null, 32].flatMap((unbalanceA) =>
    [100, 300, 1000, 3000].map((n) => timing(n, n > 1000 ? Math.ceil(rounds / 4) : rounds, unbalanceA)),
  ),
  safety: safety(Number(values.instances)),
};
if (values.json) console.log(JSON.stringify(result));
else {
  console.log("connectors  unbalance A  rounds  median ms  cpu ms   p99 ms  worst ms  violations");
  for (const t of result.timing)
    console.log(
      String(t.connectors).padStart(10),
      String(t.unbalance_a ?? "").padStart(12),
      String(t.rounds).padStart(7),
      t.median_ms.toFixed(3).padStart(10),
      t.cpu_mean_ms.toFixed(3).padStart(7),
      t.p99_ms.toFixed(3).padStart(8),
      t.worst_ms.toFixed(3).padStart(9),
      String(t.violations).padStart(11),
    );
  const s = result.safety;
  console.log(
    `\n${s.instances} random instances with ${s.evses} EVSEs: ${s.violations} with a limit exceeded, a value below minimum or room left unused`,
  );
}
const failed = result.safety.violations > 0 || result.timing.some((t) => t.violations > 0);
process.exitCode = failed ? 1 : 0;
