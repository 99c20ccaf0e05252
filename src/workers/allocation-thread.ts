/** The allocation pool's thread: the rule and nothing else. */
import { allocate } from "../rules/allocate.ts";

export default allocate;
