/** The operator's door over a log: decisions are judged against it, appended and folded. */
import { type HoldGround, holdDoor } from "../../src/gateway/hold-door.ts";
import { standingBill, standingOf } from "../../src/gateway/session-standing.ts";
import type { HoldDoor } from "../../src/web/holds.ts";
import type { GrowingLog } from "../web/folded-log.ts";

export function operatorDoor({ store, append }: GrowingLog, nowMs: number): HoldDoor {
  /** The one question that decisions without late prices ask. */
  const standing = async (_what: string, { id }: { id: string }) => {
    const found = await standingOf(store, id);
    return found ? { ...found, bill: (await standingBill(store, found)) ?? null } : null;
  };
  return holdDoor({
    outbox: { ask: standing } as unknown as HoldGround["outbox"],
    async appendFact(event) {
      const known = event.key === null ? undefined : await store.factByKey(event.key);
      if (!known) await append([event]);
      return { offset: known?.offset ?? (await store.head()).offset, duplicate: known !== undefined };
    },
    nowMs: () => nowMs,
  });
}
