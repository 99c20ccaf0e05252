/** What the confined child says on its control pipe. The child is not trusted: lines are short, few and known. */
import type { Readable } from "node:stream";

/** `blocked`: loaded but not startable, for example because a node type is missing. */
const FLOW_STATES = ["starting", "started", "stopped", "safe", "blocked"] as const;
type FlowState = (typeof FLOW_STATES)[number];

export type ControlLine =
  | { kind: "beat" }
  | { kind: "port"; port: number }
  | { kind: "flows"; state: FlowState }
  /** Someone at the editor's door; `id` comes back with the answer. */
  | { kind: "login"; id: number; name: string; code: string };

const MAX_LINE = 96;
/** It speaks about 30 bytes every 200 ms; whoever floods the pipe waits. */
const BYTES_A_TURN = 4_096;
const TURN_MS = 100;

const LOGIN = /^login (\d{1,6}) ([a-z0-9-]{1,36}) ([\w-]{22})$/;

/** `undefined` for anything unknown. */
export function parseControlLine(line: string): ControlLine | undefined {
  if (line === "beat") return { kind: "beat" };
  const [, id, name = "", code = ""] = LOGIN.exec(line) ?? [];
  if (id !== undefined) return { kind: "login", id: Number(id), name, code };
  const [word, value = "", ...rest] = line.split(" ");
  if (rest.length > 0) return undefined;
  if (word === "port" && /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535)
    return { kind: "port", port: Number(value) };
  if (word === "flows" && (FLOW_STATES as readonly string[]).includes(value))
    return { kind: "flows", state: value as FlowState };
  return undefined;
}

/** Reads lines until the stream ends; a line that is too long is dropped. */
export function readControl(stream: Readable, onLine: (line: ControlLine) => void): void {
  let rest = "";
  let budget = BYTES_A_TURN;
  const turn = setInterval(() => {
    budget = BYTES_A_TURN;
    if (stream.isPaused()) stream.resume();
  }, TURN_MS);
  stream.setEncoding("latin1");
  stream.on("data", (chunk: string) => {
    budget -= chunk.length;
    if (budget < 0) stream.pause();
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() ?? "").slice(-MAX_LINE);
    for (const text of lines) {
      const line = parseControlLine(text);
      if (line) onLine(line);
    }
  });
  stream.on("close", () => clearInterval(turn));
}
