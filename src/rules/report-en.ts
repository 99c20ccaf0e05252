/** The words of a report in English. */
import { type ReportNote, type ReportWords, utcMinute } from "./report-words.ts";

export const ENGLISH: ReportWords = {
  group: ",",
  decimalPoint: ".",
  title: (from, to) => (from === to ? `Charging on ${from}` : `Charging from ${from} to ${to}`),
  zone: (zone, days) => (days === "one" ? `Time zone ${zone}.` : `Both days inclusive, time zone ${zone}.`),
  drawn: {
    heading: "When energy was drawn",
    about: "Mean power of all sessions in each hour of each day.",
    label: (most) => `Mean power by hour and day, at most ${most} kW`,
  },
  used: {
    heading: "How the EVSEs were used",
    about: "Share of the time that there was; what is left was free.",
    label: "Use of each EVSE",
    parts: {
      charging: "charging",
      throttled: "charging, limited by the site",
      heldBack: "held back by the site",
      idle: "idle after full",
      other: "connected otherwise",
    },
    more: (shown, of) => `The ${shown} busiest of ${of}.`,
  },
  interrupted: { heading: "What interrupted", cause: "cause", times: "times", none: "Nothing." },
  figures: {
    heading: "In figures",
    energy: "Energy",
    sessions: "Sessions",
    cost: "Cost",
    charging: "Charging",
    idle: "Idle after full",
    limited: "Limited by the site",
    available: "Available",
    betweenFaults: "Between faults",
    peak: "Highest minute",
  },
  held: (sessions) => `and ${sessions} held`,
  perKwh: (price) => `${price} per kWh`,
  connected: (share) => `${share} % connected`,
  faults: (count) => (count === 1 ? "1 fault" : `${count} faults`),
  by: {
    station: "station",
    evse: "evse",
    group: "group",
    hour: "hour",
    day: "day",
    week: "week",
    month: "month",
  },
  columns: [
    "kWh",
    "sessions",
    "held",
    "connected %",
    "charging %",
    "idle h",
    "limited h",
    "interruptions",
    "available %",
    "h between faults",
    "peak kW",
    "cost",
    "cost/kWh",
  ],
  total: "total",
  cause: (cause) => cause.replace(":", ": ").replaceAll("_", " "),
  note,
};

function note(of: ReportNote): string {
  switch (of.code) {
    case "log_begins":
      return `The log begins on ${utcMinute(of.at_ms)}.`;
    case "log_ends":
      return `The log ends on ${utcMinute(of.at_ms)}; shares are of the time until then.`;
    case "held":
      return `${of.sessions} held: they wait for a person, their energy (${of.energy_wh} Wh) and cost are not in the sums.`;
    case "voided":
      return `${of.sessions} voided by a person: their time counts, nothing else.`;
    case "open":
      return `${of.sessions} still open: a session counts once it has ended.`;
    case "no_power":
      return "No power readings of this time are left, neither samples nor minutes: there is no peak.";
    case "evses_unnamed":
      return "The EVSEs are those with sessions in this time; a config names all of them.";
    case "never_heard":
      return `Never heard of, and so not counted as offline: ${of.stations.join(", ")}.`;
  }
}
