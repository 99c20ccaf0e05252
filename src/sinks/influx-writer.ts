/**
 * Sends lines and resolves when every one is either stored or set aside. The official client is the transport; its own
 * buffering and retrying are off, because its `flush()` rejects at the first failure while it goes on retrying, and a
 * write sent by a full buffer is awaited by nobody. Here the log is the buffer and the sink's runner retries.
 */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { HttpError, InfluxDB } from "@influxdata/influxdb-client";
import { type InfluxTarget, refusedEverything, verdictOn, writeDoor } from "./influx-target.ts";
import { timeOf } from "./line-protocol.ts";

export interface InfluxWriterOptions {
  target: InfluxTarget;
  /** A line that the server will never take, and what it said. Called once a line in one run. */
  deadLetter(line: string, reason: string): void;
  /** Most lines in one request. */
  maxLines?: number;
  /** Wire time in ms until a silent server counts as away. */
  timeoutMs?: number;
}

export interface InfluxWriter {
  /**
   * Takes lines out of `queue`, oldest first, as they are stored or set aside. Rejects with a `DeliveryError` when the
   * server is away or refuses us; what is still in the queue was not confirmed then and is sent by the next call.
   */
  drain(queue: string[]): Promise<void>;
  close(): void;
}

/** After so many single rejections and nothing accepted, a server that names no fault in them is not to be believed. */
const REJECTIONS_BELIEVED = 16;
const LOOPBACK = /^https?:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/;

export function createInfluxWriter(options: InfluxWriterOptions): InfluxWriter {
  const { target, deadLetter } = options;
  const door = writeDoor(target);
  let maxLines = options.maxLines ?? 5_000;
  const agent = new (door.url.startsWith("https:") ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: 1,
  });
  const api = new InfluxDB({
    url: door.url,
    ...(door.token !== undefined && { token: door.token }),
    headers: door.headers,
    timeout: options.timeoutMs ?? 10_000,
    transportOptions: { agent },
  }).getWriteApi("", "", "ms", {
    maxRetries: 0,
    flushInterval: 0,
    batchSize: maxLines + 1,
    gzipThreshold: LOOPBACK.test(door.url) ? Number.POSITIVE_INFINITY : 1_000,
    // Answering here keeps the client from logging to the console on its own.
    writeFailed: (error) => Promise.reject(error),
  });
  api.path = door.path;

  async function send(lines: string[]): Promise<void> {
    api.writeRecords(lines);
    try {
      await api.flush();
    } catch (error) {
      // The client leaves the socket of a request that timed out open: without this each retry would cost one more.
      if (!(error instanceof HttpError)) agent.destroy();
      throw error;
    }
  }

  /** Writes one chunk. `rest`, a stack of pieces, holds what is not settled yet, also when it throws. */
  async function settle(chunk: string[], rest: string[][]): Promise<void> {
    let accepted = false;
    /** Refused alone, without a word on what is wrong with them: believed once another line is accepted. */
    const doubtful: [line: string, reason: string][] = [];
    try {
      for (let lines = rest.at(-1); lines; lines = rest.at(-1)) {
        const verdict = await send(lines).then(
          () => undefined,
          (error: unknown) => verdictOn(error, target),
        );
        if (verdict?.kind === "failed") throw verdict.error;
        rest.pop();
        if (verdict === undefined) {
          accepted = true;
        } else if (lines.length > 1) {
          const { bad, again } = divide(lines, verdict);
          for (const line of bad) deadLetter(line, verdict.reason);
          rest.push(...again);
          if (verdict.kind === "too_large") maxLines = Math.max(1, Math.ceil(lines.length / 2));
        } else if (verdict.kind === "rejected" && !verdict.clear) {
          doubtful.push([lines[0] ?? "", verdict.reason]);
          if (!accepted && doubtful.length >= REJECTIONS_BELIEVED)
            throw refusedEverything(verdict.reason, target);
        } else {
          deadLetter(lines[0] ?? "", verdict.reason);
        }
      }
      if (!accepted && chunk.length > 1 && doubtful.length === chunk.length) {
        throw refusedEverything(doubtful[0]?.[1] ?? "", target);
      }
      for (const [line, reason] of doubtful) deadLetter(line, reason);
    } catch (error) {
      rest.push(doubtful.map(([line]) => line));
      throw error;
    }
  }

  return {
    async drain(queue) {
      while (queue.length > 0) {
        const chunk = queue.slice(0, maxLines);
        const rest = [chunk];
        try {
          await settle(chunk, rest);
        } finally {
          queue.splice(0, chunk.length, ...rest.reverse().flat());
        }
      }
    },
    close: () => agent.destroy(),
  };
}

type Divisible = Exclude<ReturnType<typeof verdictOn>, { kind: "failed" }>;

/** Which lines are surely bad, and what to send again (last first): both halves, when it is not known. */
function divide(lines: string[], verdict: Divisible): { bad: string[]; again: string[][] } {
  if (verdict.kind === "rejected" && verdict.dropped === lines.length) return { bad: lines, again: [] };
  if (verdict.kind === "rejected" && verdict.tooOld && verdict.dropped) {
    // Retention cuts by age alone, so the dropped ones are the oldest.
    const byAge = lines.map((_, i) => i).sort((a, b) => timeOf(lines[a] ?? "") - timeOf(lines[b] ?? ""));
    const old = new Set(byAge.slice(0, verdict.dropped));
    const younger = lines.filter((_, i) => !old.has(i));
    return { bad: lines.filter((_, i) => old.has(i)), again: younger.length > 0 ? [younger] : [] };
  }
  const middle = Math.ceil(lines.length / 2);
  return { bad: [], again: [lines.slice(middle), lines.slice(0, middle)] };
}
