/** The words of a report in Swedish. */
import { type ReportNote, type ReportWords, utcMinute } from "./report-words.ts";

export const SWEDISH: ReportWords = {
  // A narrow no-break space.
  group: "\u202f",
  decimalPoint: ",",
  title: (from, to) => (from === to ? `Laddning ${from}` : `Laddning från ${from} till ${to}`),
  zone: (zone, days) => (days === "one" ? `Tidszon ${zone}.` : `Båda dagarna ingår, tidszon ${zone}.`),
  drawn: {
    heading: "När energin togs ut",
    about: "Medeleffekt för alla laddningar under varje timme, dag för dag.",
    label: (most) => `Medeleffekt per timme och dag, högst ${most} kW`,
  },
  used: {
    heading: "Hur uttagen användes",
    about: "Andel av tiden; under resten var uttaget ledigt.",
    label: "Hur varje uttag användes",
    parts: {
      charging: "laddar",
      throttled: "laddar, begränsat av anläggningen",
      heldBack: "hålls tillbaka av anläggningen",
      idle: "färdigladdad, står kvar",
      other: "inkopplad i övrigt",
    },
    more: (shown, of) => `De ${shown} mest använda av ${of}.`,
  },
  interrupted: {
    heading: "Vad som avbröt laddningen",
    cause: "orsak",
    times: "antal gånger",
    none: "Ingenting.",
  },
  figures: {
    heading: "I siffror",
    energy: "Energi",
    sessions: "Laddningar",
    cost: "Kostnad",
    charging: "Laddning",
    idle: "Färdigladdad, står kvar",
    limited: "Begränsat av anläggningen",
    available: "Tillgänglighet",
    betweenFaults: "Mellan fel",
    peak: "Högsta minut",
  },
  held: (sessions) => `och ${sessions} som väntar på beslut`,
  perKwh: (price) => `${price} per kWh`,
  connected: (share) => `${share} % inkopplat`,
  faults: (count) => `${count} fel`,
  by: {
    station: "station",
    evse: "uttag",
    group: "grupp",
    hour: "timme",
    day: "dag",
    week: "vecka",
    month: "månad",
  },
  columns: [
    "kWh",
    "laddningar",
    "väntar på beslut",
    "inkopplat %",
    "laddning %",
    "står kvar h",
    "begränsat h",
    "avbrott",
    "tillgängligt %",
    "h mellan fel",
    "topp kW",
    "kostnad",
    "kostnad/kWh",
  ],
  total: "totalt",
  cause: causeText,
  note,
};

function causeText(cause: string): string {
  const [kind = "", code] = cause.split(/:(.*)/s);
  const names: Record<string, string> = {
    fault: "fel",
    offline: "frånkopplad",
    meter_gap: "lucka i avläsningarna",
    reboot: "omstart",
  };
  const name = (Object.hasOwn(names, kind) && names[kind]) || kind.replaceAll("_", " ");
  return code === undefined ? name : `${name}: ${code}`;
}

function note(of: ReportNote): string {
  switch (of.code) {
    case "log_begins":
      return `Loggen börjar ${utcMinute(of.at_ms)}.`;
    case "log_ends":
      return `Loggen slutar ${utcMinute(of.at_ms)}; andelarna gäller tiden fram till dess.`;
    case "held":
      return of.sessions === 1
        ? `1 laddning väntar på beslut: dess energi (${of.energy_wh} Wh) och kostnad ingår inte i summorna.`
        : `${of.sessions} laddningar väntar på beslut: deras energi (${of.energy_wh} Wh) och kostnad ingår inte i summorna.`;
    case "voided":
      return of.sessions === 1
        ? "1 laddning har makulerats: dess tid räknas, inget annat."
        : `${of.sessions} laddningar har makulerats: deras tid räknas, inget annat.`;
    case "open":
      return of.sessions === 1
        ? "1 laddning pågår ännu: en laddning räknas när den har avslutats."
        : `${of.sessions} laddningar pågår ännu: en laddning räknas när den har avslutats.`;
    case "no_power":
      return "Det finns inga effektvärden kvar från den här tiden, varken avläsningar eller minutvärden: toppen är okänd.";
    case "evses_unnamed":
      return "Uttagen är de som hade laddningar under den här tiden; med en konfiguration är alla med.";
    case "never_heard":
      return `Har aldrig hörts av och räknas därför inte som frånkopplade: ${of.stations.join(", ")}.`;
  }
}
