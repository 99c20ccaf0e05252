import type { Question } from "./question.ts";
import type { Rooms } from "./rooms.ts";

/** The depot as one look saw it, and the question it puts. */
export interface Look extends Question {
  /** Monotonic. */
  nowMs: number;
  rooms: Rooms;
}
