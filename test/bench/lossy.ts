/**
 * Overloads with lost and late commands, long: `npm run bench:lossy [TICKS]` (default 100000 for each loss). The control
 * loop must have none that last; the sender that sends everything at once shows that the depot can be overloaded.
 */
import { lossy } from "../control/lossy.ts";

const ticks = Number(process.argv[2] ?? 100_000);
console.log(
  "ticks of 1 s; messages take up to 2 s; overloads by seconds since the last jump of limit or load",
);
console.log("sender  loss   ticks   jumps  any time  > 10 s  > 20 s  drawn of target");
for (const sender of ["gate", "naive"] as const)
  for (const loss of [0, 0.03, 0.2]) {
    const n = sender === "gate" ? ticks : Math.max(3000, Math.round(ticks / 10));
    const r = await lossy({ loss, ticks: n, seed: 1, sender });
    console.log(
      [
        sender.padEnd(6),
        `${(loss * 100).toFixed(0)} %`.padStart(5),
        String(n).padStart(7),
        String(r.jumps).padStart(7),
        String(r.overloaded).padStart(9),
        String(r.late).padStart(7),
        String(r.lasting).padStart(7),
        `${r.drawnPct} %`.padStart(16),
      ].join(" "),
    );
    if (sender === "gate" && r.lasting > 0) process.exitCode = 1;
  }
