/** The words of a what-if page. */
import type { Language } from "../rules/explain-texts.ts";

export interface SimulateWords {
  group: string;
  decimalPoint: string;
  title: (name: string) => string;
  period: (from: string, to: string, minutes: number) => string;
  slots: (count: number, minutes: number) => string;
  base: string;
  variant: string;
  figures: Record<"served" | "energy" | "filled" | "short" | "peak" | "cost" | "starts" | "missing", string>;
  ofSessions: (all: string) => string;
  impossible: (count: string) => string;
  load: {
    heading: string;
    about: string;
    mean: string;
    most: string;
    limit: string;
    full: (part: string) => string;
  };
  day: { heading: string; about: string; median: string; high: string };
  ready: { heading: string; about: string; share: string; vehicles: string };
  cost: { heading: string; energy: string; demand: string; total: string; perKwh: string; price: string };
  short: {
    heading: string;
    none: string;
    more: (shown: number, of: number) => string;
    columns: readonly string[];
    why: Record<"impossible" | "plan", string>;
    full: (limit: string, part: string) => string;
  };
}

const EN: SimulateWords = {
  group: ",",
  decimalPoint: ".",
  title: (name) => `What if: ${name}`,
  period: (from, to, minutes) =>
    `From ${from} to ${to}, in steps of ${minutes} minutes, under the rules of production.`,
  slots: (count, minutes) => `${count} steps of ${minutes} minutes under the rules of production.`,
  base: "as it is",
  variant: "what if",
  figures: {
    served: "Of what was asked",
    energy: "Energy",
    filled: "Left with all",
    short: "Left with less",
    peak: "Peak",
    cost: "Cost",
    starts: "Starts per session",
    missing: "Missing energy",
  },
  ofSessions: (all) => `of ${all} sessions`,
  impossible: (count) => `${count} could not have it at any limit`,
  load: {
    heading: "Load against limits",
    about: "Charging on the line that comes nearest to its limit; the limit is what other load leaves.",
    mean: "mean",
    most: "highest",
    limit: "limit",
    full: (part) => `full for ${part} % of the time`,
  },
  day: {
    heading: "A day",
    about: "Power of all charging by time of day.",
    median: "usual",
    high: "one day in twenty is higher",
  },
  ready: {
    heading: "Ready at departure",
    about: "Each vehicle's part of the energy it asked for, from the least served on.",
    share: "Share, %",
    vehicles: "Part of sessions, %",
  },
  cost: {
    heading: "Cost",
    energy: "Energy",
    demand: "Peak",
    total: "Total",
    perKwh: "Per kWh",
    price: "price",
  },
  short: {
    heading: "Who left with less",
    none: "Nobody: all vehicles had what they asked for.",
    more: (shown, of) => `The ${shown} that lacked most, of ${of}.`,
    columns: ["Session", "Connector", "Came", "Left", "Asked kWh", "Got kWh", "Missing kWh", "Why"],
    why: {
      impossible: "its stay was too short for that energy at full rate",
      plan: "others needed the room more; no single limit was full for long",
    },
    full: (limit, part) => `${limit} was full for ${part} % of its stay`,
  },
};

const SV: SimulateWords = {
  group: "\u{a0}",
  decimalPoint: ",",
  title: (name) => `Tänk om: ${name}`,
  period: (from, to, minutes) =>
    `Från ${from} till ${to}, i steg om ${minutes} minuter, med samma regler som i drift.`,
  slots: (count, minutes) => `${count} steg om ${minutes} minuter, med samma regler som i drift.`,
  base: "som det är",
  variant: "tänk om",
  figures: {
    served: "Av det som begärdes",
    energy: "Energi",
    filled: "Lämnade med allt",
    short: "Lämnade med mindre",
    peak: "Topp",
    cost: "Kostnad",
    starts: "Starter per laddning",
    missing: "Saknad energi",
  },
  ofSessions: (all) => `av ${all} laddningar`,
  impossible: (count) => `${count} hade inte kunnat få den vid någon gräns`,
  load: {
    heading: "Last mot gränser",
    about: "Laddning på den ledare som kommer närmast sin gräns; gränsen är vad annan last lämnar.",
    mean: "medel",
    most: "högst",
    limit: "gräns",
    full: (part) => `full under ${part} % av tiden`,
  },
  day: {
    heading: "Ett dygn",
    about: "Effekt för all laddning efter tid på dygnet.",
    median: "vanligt",
    high: "ett dygn av tjugo är högre",
  },
  ready: {
    heading: "Klara vid avresa",
    about: "Varje fordons del av den energi det begärde, från det som fick minst.",
    share: "Andel, %",
    vehicles: "Del av laddningarna, %",
  },
  cost: {
    heading: "Kostnad",
    energy: "Energi",
    demand: "Topp",
    total: "Summa",
    perKwh: "Per kWh",
    price: "pris",
  },
  short: {
    heading: "Vilka som lämnade med mindre",
    none: "Inga: alla fordon fick vad de begärde.",
    more: (shown, of) => `De ${shown} som saknade mest, av ${of}.`,
    columns: ["Laddning", "Uttag", "Kom", "Lämnade", "Begärt kWh", "Fått kWh", "Saknat kWh", "Varför"],
    why: {
      impossible: "uppehållet var för kort för den energin, även med full effekt",
      plan: "andra behövde utrymmet mer; ingen enskild gräns var full länge",
    },
    full: (limit, part) => `${limit} var full under ${part} % av uppehållet`,
  },
};

export function simulateWords(language: Language): SimulateWords {
  return language === "sv" ? SV : EN;
}

/** A number with so many decimals as the language writes it. */
export function written({ group, decimalPoint }: SimulateWords, value: number, decimals: number): string {
  const [whole = "", part] = Math.abs(value).toFixed(decimals).split(".");
  const sign = Number(value.toFixed(decimals)) < 0 ? "\u{2212}" : "";
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group);
  return `${sign}${grouped}${part === undefined ? "" : decimalPoint + part}`;
}
