/** `laddport allocate`: what every connector of a snapshot gets, and why. Reads a file and needs no running gateway. */
import { styleText } from "node:util";
import { z } from "zod";
import { didYouMean, showValue } from "../config/faults.ts";
import { valueAt } from "../config/issues.ts";
import { CONTROL_DEFAULTS, controlTimes } from "../control/settings.ts";
import { LaddportError } from "../errors.ts";
import {
  AllocationSnapshot,
  type SnapshotAnswer,
  SnapshotCircuit,
  SnapshotConnector,
} from "../model/allocation-snapshot.ts";
import { answerSnapshot } from "../rules/snapshot.ts";
import { snapshotFaults } from "../rules/snapshot-faults.ts";
import { textOf } from "./input-file.ts";
import { type CommandIo, EXIT, printable, table } from "./output.ts";

export interface AllocateOptions {
  snapshot: string;
  json?: boolean;
}

/** Exit code 0; throws LaddportError LP805, LP860 or LP861 naming the file, each path and value seen, and the fix. */
export async function allocateSnapshot(options: AllocateOptions, io: CommandIo): Promise<number> {
  const snapshot = readSnapshot(options.snapshot);
  const answer = answerSnapshot(snapshot, controlTimes(CONTROL_DEFAULTS, 1000, 1000).demand);
  io.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : shown(answer, io));
  return EXIT.ok;
}

function readSnapshot(file: string): AllocationSnapshot {
  const text = textOf(file);
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    const why = text.trim() === "" ? "it is empty" : printable((cause as Error).message);
    throw new LaddportError("LP860", `${file} is not JSON: ${why}.`, {
      cause,
      fix: "Write one JSON object.",
    });
  }
  const parsed = AllocationSnapshot.safeParse(json);
  if (!parsed.success)
    throw refusal(
      "LP860",
      file,
      parsed.error.issues.flatMap((issue) => wordsOf(issue, json)),
    );
  const faults = snapshotFaults(parsed.data);
  if (faults.length > 0)
    throw refusal(
      "LP861",
      file,
      faults.map((f) => `${f.path}: ${f.problem}. ${f.fix}`),
    );
  return parsed.data;
}

function refusal(code: "LP860" | "LP861", file: string, faults: readonly string[]): LaddportError {
  const text =
    faults.length === 1
      ? `${file}: ${faults[0]}`
      : `${file} has ${faults.length} faults:\n${faults.map((fault) => `  ${fault}`).join("\n")}`;
  return new LaddportError(code, text, { fix: "" });
}

function wordsOf(issue: z.core.$ZodIssue, json: unknown): string[] {
  const path = z.core.toDotPath(issue.path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => {
      const known = keysAt(issue.path);
      const close = didYouMean(key, known);
      const fix = close ? `Did you mean ${close}?` : `Known here: ${known.join(", ")}.`;
      return `${path === "" ? "" : `${path}.`}${key}: is not a known key. ${fix}`;
    });
  const seen = valueAt(json, issue.path);
  const problem = seen === undefined && issue.path.length > 0 ? "is missing" : `is ${showValue(seen)}`;
  return [`${path || "the file"}: ${problem}. ${fixOf(issue)}`];
}

function fixOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `Write ${/^[aeio]/.test(issue.expected) ? "an" : "a"} ${issue.expected}.`;
    case "too_small":
      return `Write ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}.`;
    case "too_big":
      return `Write at most ${issue.maximum}.`;
    case "invalid_value":
      return `Write ${issue.values.length === 1 ? "" : "one of "}${issue.values.map((v) => `"${String(v)}"`).join(", ")}.`;
    default:
      return issue.message;
  }
}

function keysAt(path: readonly PropertyKey[]): string[] {
  const schema =
    path[0] === "circuits"
      ? SnapshotCircuit
      : path[0] === "connectors"
        ? SnapshotConnector
        : AllocationSnapshot;
  return Object.keys(schema.shape);
}

const amps = (list: readonly number[]) => list.map((a) => a.toFixed(1)).join(" / ");

function shown({ setpoints, circuits }: SnapshotAnswer, io: CommandIo): string {
  const terminal = (io.stdout as { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
  const rows = setpoints.map((s) => [
    s.connector,
    s.limit_a.toFixed(1),
    (s.limit_w / 1000).toFixed(2),
    s.lines.map((line) => `L${line}`).join(" "),
    s.reason,
    s.bound_by ?? "",
  ]);
  const [head = "", ...lines] = table([
    ["connector", "A", "kW", "lines", "reason", "bound by"],
    ...rows,
  ]).split("\n");
  const body = lines.map((line, i) =>
    terminal && setpoints[i]?.limit_a === 0 ? styleText("yellow", line, { validateStream: false }) : line,
  );
  const load = table([
    ["circuit", "limit A", "other load A", "charging A", "limit kW", "kW"],
    ...circuits.map((c) => [
      c.id,
      amps(c.limit_a),
      amps(c.other_load_a),
      amps(c.allocated_a),
      c.limit_w === null ? "" : (c.limit_w / 1000).toFixed(2),
      ((c.other_load_w + c.allocated_w) / 1000).toFixed(2),
    ]),
  ]);
  return `${[head, ...body, "", load].join("\n")}\n`;
}
