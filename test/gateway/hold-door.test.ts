import { expect, it } from "vitest";
import type { Cdr } from "../../src/model/cdr.ts";
import type { EventOf, NewEvent } from "../../src/model/event.ts";
import { creditOf } from "../../src/rules/credit.ts";
import { scratchDir } from "../log/sample-events.ts";
import { DEPOT, DepotLog, START_MS } from "../rules/depot-events.ts";
import { growingLog } from "../web/folded-log.ts";
import { operatorDoor } from "./operator.ts";

const WHY = { by: "anna", reason: "charged by mistake" };

it("a credit carries the CDR as the log has it, so that no change of the rules can part the two", async () => {
  const log = await growingLog(scratchDir(), DEPOT);
  await log.append(
    DepotLog.started().start({ at: 0, wh: 1_000 }).stop({ at: 600, wh: 3_000 }).tick(660)
      .events as NewEvent[],
  );
  const issued = async () =>
    (log.store.factsOfType("cdr.issued", 0, 10) as EventOf<"cdr.issued">[]).map(({ body }): Cdr => body);
  const [bill] = await issued();
  if (!bill) throw new Error("no bill");
  const door = operatorDoor(log, START_MS + 900_000);
  expect(await door.decide("credit", bill.id, WHY)).toMatchObject({ decided: { by: "anna" } });
  const [order] = log.store.factsOfType("cdr.credited", 0, 10) as EventOf<"cdr.credited">[];
  expect(order?.body).toMatchObject({ cdr: bill.id, bill });
  expect(await issued()).toEqual([bill, creditOf(bill, "credited by the operator")]);

  expect(await door.decide("credit", bill.id, WHY)).toMatchObject({
    refused: 409,
    answer: { code: "CDR_NOT_STANDING" },
  });
  expect(await door.decide("credit", "cdr-s9-9", WHY)).toMatchObject({ refused: 404 });
  await log.store.close();
});
