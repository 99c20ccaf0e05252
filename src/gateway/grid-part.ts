/** What other parts of the gateway see of the grid's side. */
import type { GridSide } from "../model/grid-side.ts";
import type { LoadProfile } from "../rules/grid/forecast.ts";
import type { GridDoor } from "./grid-door.ts";

export interface GridPart extends GridSide {
  /** Takes orders from people and flows. */
  gridDoor: GridDoor;
  gridWatch: GridWatch;
  /** What the forecast of a circuit is made from; undefined before the log was read, and without a meter. */
  loadProfile(circuit: string): LoadProfile | undefined;
}

export interface GridWatch {
  /** Before control's first tick: orders from before a restart hold at once. */
  start(): void;
  stop(): void;
}
