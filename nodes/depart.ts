/**
 * Tells the gateway which vehicle leaves when and with how much. A flow proposes: the gateway checks every departure,
 * trims what no battery takes, and says why; departures end by themselves when they pass.
 */
import type { DepartAnswer, DepartureRow } from "./contract.ts";
import type { Config, Message, Node, Red } from "./red.ts";
import { withGateway } from "./wiring.ts";

/** As a table has them; every other column is left out. */
const FIELDS = ["id", "vehicle", "evse", "depart", "energy_kwh", "energy_wh", "soc_pct", "class"] as const;
/** So many go in one request: an MQTT message of the gateway has at most 64 KiB. */
const AT_ONCE = 100;
const MAX_ROWS = 2_000;

type Wish = { departures: DepartureRow[] } | { remove: string[] };

export default function register(RED: Red): void {
  function Depart(this: Node, config: Config) {
    RED.nodes.createNode(this, config);
    let asked = 0;

    withGateway(RED, this, config, (connection) => {
      this.on("input", async (message, send, done) => {
        const turn = ++asked;
        try {
          const wishes = readWishes(RED, message);
          this.status({ fill: "blue", shape: "ring", text: RED._("depart.status.waiting") });
          const taken = {
            departures: [] as string[],
            removed: [] as string[],
            passed: 0,
            notes: [] as string[],
          };
          let clamped = false;
          for (const [i, wish] of wishes.entries()) {
            const answer = (await connection.request("depart", wish)) as DepartAnswer;
            if (answer.status !== "granted" && answer.status !== "clamped")
              throw new Error(
                RED._("depart.error.denied", {
                  first: i * AT_ONCE + 1,
                  reason: answer.error?.message ?? answer.status,
                }),
              );
            if (answer.status === "clamped") clamped = true;
            taken.departures.push(...(answer.data?.departures ?? []));
            taken.removed.push(...(answer.data?.removed ?? []));
            taken.notes.push(...(answer.data?.notes ?? []));
            taken.passed += answer.data?.passed ?? 0;
          }
          const count = taken.departures.length + taken.removed.length;
          const text = taken.removed.length > 0 ? "depart.status.removed" : "depart.status.set";
          if (turn === asked)
            this.status({ fill: clamped ? "yellow" : "green", shape: "dot", text: RED._(text, { count }) });
          send({ ...message, payload: { status: clamped ? "clamped" : "granted", ...taken } });
          done();
        } catch (error) {
          if (turn === asked) this.status({ fill: "red", shape: "dot", text: RED._("depart.status.denied") });
          done(error as Error);
        }
      });
      return {
        connected: () => this.status({ fill: "grey", shape: "ring", text: RED._("depart.status.ready") }),
      };
    });
  }
  RED.nodes.registerType("laddport-depart", Depart);
}

/** A row, a list of rows, or `{remove: [id, ...]}`. Throws what is wrong. */
function readWishes(RED: Red, { payload }: Message): Wish[] {
  const { remove } = (payload ?? {}) as { remove?: unknown };
  const rows: unknown[] = remove === undefined ? (Array.isArray(payload) ? payload : [payload]) : [];
  const ids = remove === undefined ? [] : Array.isArray(remove) ? remove : [remove];
  const many = rows.length + ids.length;
  if (many === 0 || many > MAX_ROWS) throw new Error(RED._("depart.error.many", { count: many }));
  const parts = <T>(all: T[]) =>
    Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, i) =>
      all.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
    );
  if (ids.length > 0) return parts(ids.map(String)).map((part) => ({ remove: part }));
  return parts(rows.map((row, i) => rowOf(RED, row, i + 1))).map((departures) => ({ departures }));
}

function rowOf(RED: Red, row: unknown, number: number): DepartureRow {
  const given = typeof row === "object" && row !== null ? (row as Record<string, unknown>) : {};
  const depart = momentOf(given.depart);
  if (depart === undefined || (given.vehicle === undefined && given.evse === undefined))
    throw new Error(
      RED._("depart.error.row", { number, value: (JSON.stringify(row) ?? "nothing").slice(0, 80) }),
    );
  const entries = FIELDS.flatMap((name) => {
    const value = given[name];
    if (value === undefined || value === null || value === "") return [];
    const isAmount = name.startsWith("energy") || name === "soc_pct";
    return [[name, isAmount && typeof value === "number" ? value : String(value)]];
  });
  return { ...Object.fromEntries(entries), depart };
}

/** Text as it is, a Date, or its milliseconds. */
function momentOf(depart: unknown): string | undefined {
  if (typeof depart === "string" && depart !== "") return depart;
  const date = depart instanceof Date ? depart : typeof depart === "number" ? new Date(depart) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
