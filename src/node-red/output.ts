/** The child's own lines, brought into the gateway's log. Bounded: a flow that floods its output slows itself only. */
import type { Readable } from "node:stream";

/** The part of pino's logger that is used here. */
export interface FlowsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const TURN_MS = 100;
const BYTES_A_TURN = 65_536;
const LINES_A_SECOND = 50;
const MAX_LINE = 4_096;

/** Levels of Node-RED's log: fatal 10, error 20, warn 30, info 40. */
const WARN = 30;

interface Entry {
  level: number;
  text: string;
  node?: string;
}

/**
 * Logs up to 50 lines a second and counts the rest. Past 64 KiB in 100 ms the stream is left alone until the next turn,
 * so that a flood costs the gateway next to nothing: writing to a full pipe blocks the child.
 */
export function forwardOutput(stream: Readable, log: FlowsLog): void {
  let rest = "";
  let budget = BYTES_A_TURN;
  let lines = 0;
  let dropped = 0;
  let turns = 0;
  const turn = setInterval(() => {
    budget = BYTES_A_TURN;
    if (stream.isPaused()) stream.resume();
    if (++turns % (1000 / TURN_MS) !== 0) return;
    lines = 0;
    if (dropped > 0) log.warn({ dropped }, "flows: lines dropped, more than 50 a second");
    dropped = 0;
  }, TURN_MS);

  const write = (line: string) => {
    if (line.trim() === "") return;
    if (++lines > LINES_A_SECOND) dropped++;
    else emit(readEntry(line.slice(0, MAX_LINE)), log);
  };

  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    budget -= chunk.length;
    if (budget < 0) stream.pause();
    const parts = (rest + chunk).split("\n");
    rest = (parts.pop() ?? "").slice(0, MAX_LINE);
    for (const part of parts) write(part);
  });
  stream.on("close", () => {
    clearInterval(turn);
    write(rest);
  });
}

/** Lines of flows/settings.cjs are JSON; what a flow prints by itself is plain text. */
function readEntry(line: string): Entry {
  try {
    const { level, text, node } = JSON.parse(line) as Partial<Entry>;
    if (typeof level === "number" && typeof text === "string")
      return { level, text, ...(typeof node === "string" && { node }) };
  } catch {
    // Plain text.
  }
  return { level: 40, text: line };
}

function emit({ level, text, node }: Entry, log: FlowsLog): void {
  const fields = { source: "flows", ...(node && { node }) };
  if (level < WARN) log.error(fields, text);
  else if (level === WARN) log.warn(fields, text);
  else log.info(fields, text);
}
