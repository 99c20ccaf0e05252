/** Orders and inputs over a clock that a test sets, with what control, log and alerts are told. */
import { describe, expect, it } from "vitest";
import { type GridDoor, gridDoor, type OrderSource } from "../../src/gateway/grid-door.ts";
import { GridInputBook } from "../../src/gateway/grid-inputs.ts";
import { type Draw, GridOrderBook } from "../../src/gateway/grid-orders.ts";
import { answerGridOrder, type GridOrderReply } from "../../src/gateway/grid-request.ts";
import { AlertBoard } from "../../src/model/alert-board.ts";
import type { NewEvent } from "../../src/model/event.ts";
import type { GridOrderAnswer } from "../../src/model/grid-request.ts";
import { enterOrderFact, type OrderBook } from "../../src/rules/grid/orders.ts";

const T0 = Date.UTC(2026, 0, 5, 16);
const HOUR = 3_600_000;
const FLOW = (order: string): OrderSource => ({ flow: "flows", order });

/** `before`: facts of an earlier run. `relays`: inputs that order a stop. */
function site(before: readonly NewEvent[] = [], startMs = T0, relays: readonly string[] = []) {
  let nowMs = startMs;
  const clock = { nowMs: () => nowMs, monoMs: () => nowMs };
  const facts: NewEvent[] = [];
  const powers = new Map<string, number>();
  const append = (event: NewEvent) => void facts.push(event);
  const alerts = new AlertBoard(append, clock.nowMs);
  const book: OrderBook = new Map();
  for (const event of before) enterOrderFact(book, event);
  const dimmingW = (circuit: string) => (circuit === "main" ? 40_110 : 7_560);
  const orders = new GridOrderBook({
    clock,
    book,
    dimmingW,
    setPower: (circuit, limitW) =>
      limitW === null ? void powers.delete(circuit) : void powers.set(circuit, limitW),
    append,
    alerts,
    reactionMs: 60_000,
  });
  const door: GridDoor = gridDoor({
    clock,
    orders,
    appendFact: async (event) => ({ offset: facts.push(event), duplicate: false }),
    circuits: ["main", "yard"],
    root: "main",
    dimmed: "main",
    dimmingW,
  });
  const inputs = new GridInputBook({
    clock,
    orders,
    append,
    alerts,
    inputs: relays.map((input) => ({ input, kind: "stop", circuit: "main", powerW: 0 })),
  });
  const draw: Draw = { powerW: 90_000, chargingW: 80_000 };
  return {
    nowMs: clock.nowMs,
    orders,
    door,
    inputs,
    alerts,
    draw,
    powers: () => Object.fromEntries(powers),
    /** Facts of orders, and what they say beside their id. */
    told: () => facts.filter(({ type }) => type.startsWith("grid.")),
    types: () => facts.map(({ type }) => type),
    /** Looks every second until then. */
    until(ms: number) {
      while (nowMs < T0 + ms) {
        nowMs += 1_000;
        orders.look(() => draw);
        inputs.look();
      }
    },
  };
}

const ordered = (answer: GridOrderAnswer) => {
  if ("refused" in answer) throw new Error(answer.refused.message);
  return answer.ordered;
};
const refused = (answer: GridOrderAnswer) => ("refused" in answer ? answer.refused : undefined);

describe("grid orders", () => {
  it("hold from their start to their end, and the lowest counts", async () => {
    const s = site();
    await s.door.order({ kind: "cap", kw: 50, id: "a" }, "api");
    await s.door.order(
      { kind: "cap", kw: 30, id: "b", from: new Date(T0 + 60_000).toISOString(), for_s: 60 },
      "api",
    );
    await s.door.order({ kind: "dimming", circuit: "yard", id: "c" }, "api");
    expect(s.powers()).toEqual({ main: 50_000, yard: 7_560 });
    s.until(60_000);
    expect(s.powers()).toEqual({ main: 30_000, yard: 7_560 });
    expect(s.orders.powerW("main", T0 + 60_000)).toBe(30_000);
    s.until(120_000);
    expect(s.powers()).toEqual({ main: 50_000, yard: 7_560 });
    await s.door.end("a");
    await s.door.end("c");
    expect(s.powers()).toEqual({});
  });

  it("say when the meter shows that they are kept", async () => {
    const s = site();
    await s.door.order({ kind: "dimming", id: "d" }, "api");
    s.until(4_000);
    s.draw.powerW = 39_800;
    s.until(70_000);
    expect(s.told().map(({ type, body }) => [type, body])).toEqual([
      [
        "grid.ordered",
        {
          id: "d",
          revision: 1,
          circuit: "main",
          kind: "dimming",
          power_w: 40_110,
          from: "2026-01-05T16:00:00.000Z",
          until: null,
          source: "api",
        },
      ],
      [
        "grid.order_met",
        { id: "d", revision: 1, verdict: 1, circuit: "main", limit_w: 40_110, power_w: 39_800, after_s: 4 },
      ],
    ]);
    expect(s.door.list()).toMatchObject([{ id: "d", state: "met" }]);
  });

  it("raise an alert when they are not kept in time, and clear it when they are", async () => {
    const s = site();
    await s.door.order({ kind: "cap", kw: 40, id: "d" }, "api");
    s.until(70_000);
    expect(s.door.list()).toMatchObject([{ state: "missed" }]);
    expect(s.alerts.active()).toMatchObject([
      {
        id: "grid_order_missed:d",
        severity: "critical",
        cause: expect.stringContaining("90000 W are drawn, 80000 W of them by charging"),
      },
    ]);
    s.draw.powerW = 30_000;
    s.until(72_000);
    expect(s.alerts.active()).toEqual([]);
    expect(s.told().map(({ type }) => type)).toEqual(["grid.ordered", "grid.order_missed", "grid.order_met"]);
  });

  it("take a stop as kept when charging has stopped, whatever the building draws", async () => {
    const s = site();
    await s.door.order({ kind: "stop" }, "api");
    expect(s.powers()).toEqual({ main: 0 });
    s.draw.powerW = 12_000;
    s.draw.chargingW = 100;
    s.until(2_000);
    expect(s.told().at(-1)).toMatchObject({ type: "grid.order_met", body: { power_w: 12_000 } });
  });

  it("end by themselves, told once, at the time they were to", async () => {
    const s = site();
    await s.door.order({ kind: "cap", kw: 40, id: "d", for_s: 10 }, "api");
    s.until(20_000);
    expect(s.told().filter(({ type }) => type === "grid.order_ended")).toMatchObject([
      { body: { id: "d", revision: 1, ended: new Date(T0 + 10_000).toISOString(), why: "expired" } },
    ]);
  });

  it("outlive a restart, and what ended during it is told then", async () => {
    const first = site();
    await first.door.order({ kind: "cap", kw: 40, id: "long" }, "api");
    await first.door.order({ kind: "cap", kw: 30, id: "short", for_s: 60 }, "api");
    first.draw.powerW = 20_000;
    first.until(5_000);
    const again = site(first.told(), T0 + HOUR);
    again.orders.apply();
    expect(again.powers()).toEqual({ main: 40_000 });
    again.until(HOUR + 1_000);
    expect(again.told()).toMatchObject([
      { type: "grid.order_ended", body: { id: "short", ended: new Date(T0 + 60_000).toISOString() } },
    ]);
    again.draw.powerW = 20_000;
    again.until(HOUR + 2_000);
    expect(again.told().at(-1)?.body).toMatchObject({ id: "long", verdict: 2 });
  });

  it("end at a start whose config has lost their circuit", async () => {
    const first = site();
    await first.door.order({ kind: "cap", kw: 40, id: "yard", circuit: "yard" }, "api");
    await first.door.order({ kind: "cap", kw: 50, id: "main" }, "api");
    const again = site(first.told());
    again.orders.endWhatIsGone(({ circuit }) => circuit === "main");
    again.orders.apply();
    expect(again.powers()).toEqual({ main: 50_000 });
    expect(again.told()).toMatchObject([{ type: "grid.order_ended", body: { id: "yard", why: "gone" } }]);
  });

  it("are told to planning before they begin", async () => {
    const s = site();
    const from = new Date(T0 + HOUR).toISOString();
    await s.door.order({ kind: "cap", kw: 40, id: "later", from, for_s: 60 }, "api");
    expect(s.orders.active(T0)).toEqual([]);
    expect(s.orders.standing(T0)).toMatchObject([{ id: "later", limitW: 40_000, fromMs: T0 + HOUR }]);
    expect(s.orders.standing(T0 + HOUR + 60_000)).toEqual([]);
  });

  it("of the same id follow one another, each with a revision of its own", async () => {
    const s = site();
    await s.door.order({ kind: "cap", kw: 40, id: "d" }, "api");
    expect(ordered(await s.door.order({ kind: "cap", kw: 60, id: "d" }, "api")).revision).toBe(2);
    expect(s.powers()).toEqual({ main: 60_000 });
    await s.door.end("d");
    expect(ordered(await s.door.order({ kind: "cap", kw: 50, id: "d" }, "api")).revision).toBe(3);
  });
});

describe("a flow", () => {
  it("lowers what an order leaves, and cannot raise it", async () => {
    const s = site();
    await s.door.order({ kind: "cap", kw: 40, id: "dso" }, "api");
    const high = ordered(await s.door.order({ kind: "cap", kw: 400, id: "x", for_s: 60 }, FLOW("dso")));
    expect(high).toMatchObject({ id: "flow.flows.dso", in_force_w: 40_000 });
    expect(s.powers()).toEqual({ main: 40_000 });
    await s.door.order({ kind: "cap", kw: 10, for_s: 60 }, FLOW("dso"));
    expect(s.powers()).toEqual({ main: 10_000 });
    s.until(61_000);
    expect(s.powers()).toEqual({ main: 40_000 });
  });

  it.each([
    ["without an end", {}],
    ["for more than a day", { for_s: 86_401 }],
    ["for a time beyond the next day", { from: new Date(T0 + 23 * HOUR).toISOString(), for_s: 2 * 3_600 }],
  ])("orders nothing %s", async (_, time) => {
    const s = site();
    const answer = await s.door.order({ kind: "cap", kw: 40, ...time }, FLOW("x"));
    expect(refused(answer)).toMatchObject({ code: "BAD_ORDER", message: expect.stringContaining("/until") });
    expect(s.powers()).toEqual({});
  });

  it.each([
    ["1e300 s, which no date can say", { valid_for_s: 1e300 }, "SCHEMA", "/valid_for_s"],
    ["more seconds than a year has", { valid_for_s: 31_622_401 }, "SCHEMA", "/valid_for_s"],
    ["two days", { valid_for_s: 172_800 }, "BAD_ORDER", "a day ahead at most"],
    ["ever", {}, "NO_END", "valid_for_s or valid_until"],
    ["a time that has passed", { valid_until: "2026-01-05T15:00:00Z" }, "NO_END", "after its start"],
  ])("that asks by message for %s is told why not", async (_, end, code, message) => {
    const s = site();
    const { door, nowMs } = s;
    const answers: GridOrderReply[] = [];
    const asked = Buffer.from(JSON.stringify({ id: "g", data: { kind: "cap", kw: 10 }, ...end }));
    await answerGridOrder({ door, audit: async () => undefined, nowMs }, "flows", asked, (_id, answer) =>
      answers.push(answer),
    );
    expect(answers).toMatchObject([{ status: "error", error: { code } }]);
    expect(answers[0]?.error?.message).toContain(message);
    expect(s.powers()).toEqual({});
  });

  it("has at most a hundred orders", async () => {
    const s = site();
    for (let i = 0; i < 100; i++) await s.door.order({ kind: "stop", for_s: 60 }, FLOW(`o${i}`));
    expect(refused(await s.door.order({ kind: "stop", for_s: 60 }, FLOW("more")))?.code).toBe("TOO_MANY");
    expect(ordered(await s.door.order({ kind: "stop", for_s: 60 }, FLOW("o1"))).revision).toBe(2);
  });
});

describe("the door", () => {
  it.each([
    ["a cap without a power", { kind: "cap" }, "/kw: a cap needs a power"],
    ["a stop with one", { kind: "stop", kw: 4 }, "/kw: stop has no power of its own"],
    ["another circuit", { kind: "stop", circuit: "roof" }, '/circuit: "roof" is not a circuit'],
    ["an end that has passed", { kind: "stop", until: "2026-01-05T15:00:00Z" }, "/until: 2026-01-05T15:00"],
    ["two ends", { kind: "stop", until: "2026-01-06T15:00:00Z", for_s: 60 }, "/for_s: until is given too"],
    ["a year too far", { kind: "stop", until: "2028-01-06T15:00:00Z" }, "/until: it is more than a year"],
    ["a negative power", { kind: "cap", kw: -1 }, "/kw:"],
    ["a misspelt field", { kind: "stop", untill: "x" }, "untill"],
    ["an id of a flow", { kind: "stop", id: "flow.flows.x" }, "/id:"],
    ["nothing", null, "/:"],
  ])("refuses %s and says why", async (_, request, message) => {
    const s = site();
    const answer = refused(await s.door.order(request, "api"));
    expect(answer).toMatchObject({ code: "BAD_ORDER", message: expect.stringContaining(message) });
    expect(answer?.fix).not.toBe("");
    expect(s.told()).toEqual([]);
  });

  it("does not end what is not there, nor what an input orders", async () => {
    const s = site([], T0, ["relay-1"]);
    s.inputs.heard("relay-1", true);
    expect(refused(await s.door.end("nobody"))?.code).toBe("NO_ORDER");
    expect(refused(await s.door.end("input.relay-1"))?.code).toBe("NOT_YOURS");
  });
});

describe("a digital input", () => {
  it("orders while it is closed", () => {
    const s = site([], T0, ["relay-1"]);
    s.inputs.heard("relay-1", false);
    expect(s.powers()).toEqual({});
    s.inputs.heard("relay-1", true);
    expect(s.powers()).toEqual({ main: 0 });
    expect(s.door.list()).toMatchObject([{ id: "input.relay-1", source: "input:relay-1", kind: "stop" }]);
    s.inputs.heard("relay-1", false);
    expect(s.powers()).toEqual({});
    expect(s.told().map(({ type, body }) => [type, (body as { why?: string }).why])).toEqual([
      ["grid.ordered", undefined],
      ["grid.order_ended", "opened"],
    ]);
  });

  it("that falls silent keeps its last word for a minute and is closed then, with an alert", () => {
    const s = site([], T0, ["relay-1"]);
    s.inputs.heard("relay-1", false);
    s.inputs.heard("relay-1", null);
    s.until(60_000);
    expect(s.powers()).toEqual({});
    s.until(61_000);
    expect(s.powers()).toEqual({ main: 0 });
    expect(s.alerts.active()).toMatchObject([{ id: "grid_input_silent:relay-1" }]);
    s.inputs.heard("relay-1", false);
    expect(s.powers()).toEqual({});
    expect(s.alerts.active()).toEqual([]);
  });

  it("holds its order from before a restart until it is read", () => {
    const first = site([], T0, ["relay-1"]);
    first.inputs.heard("relay-1", true);
    const again = site(first.told(), T0, ["relay-1"]);
    again.until(10_000);
    expect(again.powers()).toEqual({ main: 0 });
    again.inputs.heard("relay-1", false);
    expect(again.powers()).toEqual({});
  });

  it("orders anew when the config has changed what it orders", () => {
    const first = site([], T0, ["relay-1"]);
    first.inputs.heard("relay-1", true);
    const before = first
      .told()
      .map((event) =>
        event.type === "grid.ordered"
          ? { ...event, body: { ...event.body, kind: "cap" as const, power_w: 9_000 } }
          : event,
      );
    const again = site(before, T0, ["relay-1"]);
    again.orders.apply();
    expect(again.powers()).toEqual({ main: 9_000 });
    again.inputs.heard("relay-1", true);
    expect(again.powers()).toEqual({ main: 0 });
    expect(again.told()).toMatchObject([{ type: "grid.ordered", body: { revision: 2, kind: "stop" } }]);
  });

  it("that nobody names orders nothing", () => {
    const s = site([], T0, ["relay-1"]);
    s.inputs.heard("relay-9", true);
    expect(s.powers()).toEqual({});
  });
});
