import fs from "node:fs";
import { it } from "vitest";
import { metered, stations } from "../control/depot.ts";
import { HOUR_MS, plannedDepot } from "./planned-depot.ts";
it("dbg", async () => {
    const startMs = Date.UTC(2026, 4, 4, 6);
    const at = (h: number) => startMs + h * HOUR_MS;
    const prices = [
      { fromMs: at(0), perKwh: 0.4, isEstimate: false },
      { fromMs: at(1), perKwh: 0.1, isEstimate: false },
      { fromMs: at(2), perKwh: 0.4, isEstimate: false },
    ];
    const rig = plannedDepot({ circuits: [metered(26)], evses: stations(2) }, { prices });
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 2.5, kwh: 12 });
    for (let m = 0; m < 50; m++) { await rig.run(60); const s=rig.depot.control.state().evses[0]; const v=rig.planner.view(); fs.appendFileSync("/tmp/hp-dbg.txt", [m, rig.depot.station("cp-1/1").drawA, s?.limit_a, s?.reason, s?.state, s?.charging_state, JSON.stringify(rig.target("cp-1/1")), v.source, v.vehicles[0]?.rates.slice(0,4).map(x=>x.toFixed(1)).join(), v.marks.slice(0,4).map(x=>(x-startMs)/60000).join(), v.vehicles[0]?.holdsBack].join(" ")+"\n"); }
});
