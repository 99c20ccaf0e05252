/** A thread that takes its time to start, as every thread does on a machine under load. */
import { setTimeout as sleep } from "node:timers/promises";
import { allocate } from "../../src/rules/allocate.ts";

await sleep(1500);

export default allocate;
