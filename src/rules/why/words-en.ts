/** Reasons of limits in English. */
import type { Why } from "./facts.ts";
import { roomOf, type WhyWords } from "./words.ts";

const where = (why: Why, otherwise: string) =>
  why.bound === null
    ? otherwise
    : `${why.bound.circuit}${why.bound.line === null ? "" : ` L${why.bound.line}`}`;
const room = (why: Why) =>
  roomOf(
    why,
    {
      limit: (a) => `${a} limit`,
      power: (kw) => `${kw} limit`,
      other: (a) => `${a} other load`,
      sharers: (n, a) => (n === 1 ? `one EVSE may draw ${a}` : `${n} EVSEs share the rest, ${a} together`),
    },
    ".",
  );
const WHERE = "a circuit above it";

export const WHY_EN: WhyWords = {
  mark: ".",
  reasons: {
    demand_met: {
      why: () => "its vehicle takes no more than that",
      toDo: "nothing; what it does not use is lent to others.",
    },
    station_max: {
      why: () => "that is the most that the station gives",
      toDo: "nothing; correct max_a of the station if it can give more.",
    },
    circuit_limit: {
      why: (w) => `${where(w, WHERE)} is full${room(w)}`,
      toDo: "charge at another time or on another circuit; laddport simulate shows what a larger fuse would give.",
    },
    fair_share: {
      why: (w) => `${where(w, WHERE)} is full and shared${room(w)}`,
      toDo: "nothing if that is fair; else a higher class, a departure or a larger weight gives it more, or charge at another time.",
    },
    below_minimum: {
      why: (w) => `what ${where(w, WHERE)} leaves is less than its minimum${room(w)}`,
      toDo: "nothing; it gets its turn when others stop. Fewer vehicles at a time, or a larger fuse, would let it charge.",
    },
    not_charging: {
      why: () => "no vehicle draws current there, so it gets no more than it needs to start",
      toDo: "look at the plug and at the vehicle's own timer if it should charge.",
    },
    safe_start: {
      why: () => "the gateway had just started and did not know yet what stations still held",
      toDo: "wait; it ends when they have confirmed, or when the longest lease has run out.",
    },
    awaiting_confirmation: {
      why: (w) => `more is meant for it, and waits until others have confirmed that they take less${room(w)}`,
      toDo: "nothing; if it lasts, look for a station that does not confirm (laddport status).",
    },
    meter_stale: {
      why: (w) =>
        `the meter of ${w.bound?.circuit ?? WHERE} was silent, so charging keeps to what is safe without it`,
      toDo: "look at the meter and its connection.",
    },
    station_offline: {
      why: () => "the station is out of reach",
      toDo: "look at its network and power; until it is back it does what it was told last, then its fallback.",
    },
    min_off_time: {
      why: () => "it was paused a moment ago and stays so for a while, which spares vehicle and contactor",
      toDo: "nothing; it starts again by itself.",
    },
    intent: {
      why: (w) =>
        `a flow or an operator asked for no more${w.bound === null ? "" : ` on ${where(w, WHERE)}`}`,
      toDo: "look at the flow that limits it; what it asks for expires by itself.",
    },
    faulted: {
      why: () => "the station says that it is faulted",
      toDo: "see what the station reports, and its manual.",
    },
    plan: {
      why: () => "the plan has it wait: energy is cheaper later, or who leaves sooner goes first",
      toDo: "set an earlier departure or a higher class if it must go first.",
    },
    higher_class: {
      why: (w) => `vehicles of a higher class have the room on ${where(w, WHERE)}${room(w)}`,
      toDo: "nothing; raise its class if it matters as much.",
    },
    grid_order: {
      why: (w) => `an order of the grid operator or an emergency input holds on ${where(w, WHERE)}${room(w)}`,
      toDo: "nothing; it ends with the order.",
    },
    power_limit: {
      why: (w) => `${where(w, WHERE)} is at its limit in kW${room(w)}`,
      toDo: "charge at another time, or have limit_kw raised if the contract allows it.",
    },
    unbalance: {
      why: (w) => `more would load one line of ${w.bound?.circuit ?? "the site"} too much against the others`,
      toDo: "spread single-phase vehicles over stations with another phase_order.",
    },
    rotation: {
      why: (w) => `not all minima fit on ${where(w, WHERE)}, and its turn is yet to come${room(w)}`,
      toDo: "nothing; vehicles take turns.",
    },
    phase_switch: {
      why: () => "its number of phases is being switched",
      toDo: "nothing; it goes on within half a minute.",
    },
    start_delay: {
      why: () => "it waits a moment of its own after the gateway's start, so that not all start at once",
      toDo: "nothing; it starts by itself.",
    },
  },
  plans: {
    plan: (a) => `The plan wanted ${a}.`,
    previous: (a) => `An older plan wanted ${a}; the newest was late.`,
    laxity: (a) => `No plan could be had; by who leaves when it was meant to have ${a}.`,
  },
  limit: (at, who, limit, of, why) =>
    `${at} ${who} may draw ${limit}${of ? ` of ${of.max} (${of.percent} %)` : ""}: ${why}.`,
  outOfReach: (because, since, until, lapsed, fallback) =>
    `${because === "station" ? "the station has been out of reach" : "the gateway has not run"} since ${since}; ${lapsed ? `its lease ended by ${until}, and it fell back to ${fallback}` : `its lease ends by ${until}, then it falls back to ${fallback}`}`,
  gatewayToDo: "start it: laddport run.",
  sent: (since) => `The limit was sent at ${since}.`,
  measured: (a, at) => `It measured ${a} at ${at}.`,
  notMeasured: "Nothing was measured there shortly before.",
  class: (name) => `Its class is ${name}.`,
  departure: (at, wanted) => `It is to leave at ${at}${wanted === null ? "" : ` with ${wanted}`}.`,
  order: (kind, circuit, kw, since, until) =>
    `${{ cap: "A power cap", dimming: "Dimming by § 14a EnWG", stop: "An order to stop" }[kind]} holds on ${circuit} since ${since}${until === null ? "" : `, until ${until}`}${kind === "stop" ? "" : `: ${kw}`}.`,
  alert: (kind, subject, cause, since) => `Open since ${since}: ${kind} of ${subject}: ${cause}.`,
  toDo: (what) => `To do: ${what}`,
  head: ["at", "limit A", "reason", "bound by", ""],
  atThatTime: "< then",
  byReason: ["reason", "minutes", "mean limit A"],
  noLimit: "no limit in the log",
  noGateway: "no gateway",
};
