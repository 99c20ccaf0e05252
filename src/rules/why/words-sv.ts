/** Reasons of limits in Swedish. */
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
      limit: (a) => `gräns ${a}`,
      power: (kw) => `gräns ${kw}`,
      other: (a) => `annan last ${a}`,
      sharers: (n, a) => (n === 1 ? `ett uttag får ta ${a}` : `${n} uttag delar på resten, ${a} tillsammans`),
    },
    ",",
  );
const WHERE = "en krets ovanför";

export const WHY_SV: WhyWords = {
  mark: ",",
  reasons: {
    demand_met: {
      why: () => "fordonet tar inte mer än så",
      toDo: "inget; det som inte används lånas ut till andra.",
    },
    station_max: {
      why: () => "det är det mesta som stationen ger",
      toDo: "inget; rätta stationens max_a om den kan ge mer.",
    },
    circuit_limit: {
      why: (w) => `${where(w, WHERE)} är full${room(w)}`,
      toDo: "ladda vid en annan tid eller på en annan krets; laddport simulate visar vad en större säkring skulle ge.",
    },
    fair_share: {
      why: (w) => `${where(w, WHERE)} är full och delas${room(w)}`,
      toDo: "inget om det är rättvist; annars ger en högre klass, en avresa eller en större vikt det mer, eller ladda vid en annan tid.",
    },
    below_minimum: {
      why: (w) => `det som ${where(w, WHERE)} lämnar är mindre än uttagets minsta ström${room(w)}`,
      toDo: "inget; det får sin tur när andra slutar. Färre fordon på en gång, eller en större säkring, skulle låta det ladda.",
    },
    not_charging: {
      why: () => "inget fordon tar ström där, så det får inte mer än det behöver för att börja",
      toDo: "se efter kontakten och fordonets egen timer om det borde ladda.",
    },
    safe_start: {
      why: () => "gatewayen hade just startat och visste ännu inte vad stationerna höll sig till",
      toDo: "vänta; det är över när de har bekräftat, eller när den längsta giltighetstiden har gått ut.",
    },
    awaiting_confirmation: {
      why: (w) => `mer är tänkt, men väntar på att andra bekräftar att de tar mindre${room(w)}`,
      toDo: "inget; om det varar, sök en station som inte bekräftar (laddport status).",
    },
    meter_stale: {
      why: (w) =>
        `mätaren på ${w.bound?.circuit ?? WHERE} var tyst, så laddningen håller sig till vad som är säkert utan den`,
      toDo: "se efter mätaren och dess anslutning.",
    },
    station_offline: {
      why: () => "stationen går inte att nå",
      toDo: "se efter dess nät och ström; tills den är tillbaka gör den vad den senast fick veta, sedan sitt reservvärde.",
    },
    min_off_time: {
      why: () => "den pausades nyss och förblir pausad en stund, vilket skonar fordon och kontaktor",
      toDo: "inget; den börjar om av sig själv.",
    },
    intent: {
      why: (w) =>
        `ett flöde eller en operatör bad om inte mer${w.bound === null ? "" : ` på ${where(w, WHERE)}`}`,
      toDo: "se efter flödet som begränsar; det som det ber om upphör av sig självt.",
    },
    faulted: {
      why: () => "stationen säger att den har ett fel",
      toDo: "se vad stationen rapporterar, och dess handbok.",
    },
    plan: {
      why: () =>
        "planen låter den vänta: energin är billigare senare, eller så går den först som ska iväg tidigare",
      toDo: "sätt en tidigare avresa eller en högre klass om den måste gå först.",
    },
    higher_class: {
      why: (w) => `fordon av en högre klass har utrymmet på ${where(w, WHERE)}${room(w)}`,
      toDo: "inget; höj dess klass om den är lika viktig.",
    },
    grid_order: {
      why: (w) => `en order från nätägaren eller en nödingång gäller på ${where(w, WHERE)}${room(w)}`,
      toDo: "inget; det upphör med ordern.",
    },
    power_limit: {
      why: (w) => `${where(w, WHERE)} är vid sin gräns i kW${room(w)}`,
      toDo: "ladda vid en annan tid, eller få limit_kw höjd om avtalet tillåter det.",
    },
    unbalance: {
      why: (w) =>
        `mer skulle belasta en fas på ${w.bound?.circuit ?? "anläggningen"} för mycket mot de andra`,
      toDo: "sprid enfasfordon på stationer med annan phase_order.",
    },
    rotation: {
      why: (w) =>
        `alla minsta strömmar ryms inte på ${where(w, WHERE)}, och dess tur har inte kommit${room(w)}`,
      toDo: "inget; fordonen turas om.",
    },
    phase_switch: {
      why: () => "dess antal faser ställs om",
      toDo: "inget; den fortsätter inom en halv minut.",
    },
    start_delay: {
      why: () => "den väntar en egen stund efter gatewayens start, så att inte alla börjar samtidigt",
      toDo: "inget; den börjar av sig själv.",
    },
  },
  plans: {
    plan: (a) => `Planen ville ge ${a}.`,
    previous: (a) => `En äldre plan ville ge ${a}; den nyaste var sen.`,
    laxity: (a) => `Ingen plan fanns; efter vem som ska iväg när var ${a} tänkt.`,
  },
  limit: (at, who, limit, of, why) =>
    `${at} ${who} får ta ${limit}${of ? ` av ${of.max} (${of.percent} %)` : ""}: ${why}.`,
  outOfReach: (because, since, until, lapsed, fallback) =>
    `${because === "station" ? "stationen har inte gått att nå" : "gatewayen har inte körts"} sedan ${since}; ${lapsed ? `dess giltighetstid var slut senast ${until}, och den föll tillbaka till ${fallback}` : `dess giltighetstid är slut senast ${until}, sedan faller den tillbaka till ${fallback}`}`,
  gatewayToDo: "starta den: laddport run.",
  sent: (since) => `Gränsen skickades ${since}.`,
  measured: (a, at) => `Uttaget mätte ${a} ${at}.`,
  notMeasured: "Inget mättes där strax innan.",
  class: (name) => `Dess klass är ${name}.`,
  departure: (at, wanted) => `Avresa ${at}${wanted === null ? "" : ` med ${wanted}`}.`,
  order: (kind, circuit, kw, since, until) =>
    `${{ cap: "Ett effekttak", dimming: "Dimning enligt § 14a EnWG", stop: "En stopporder" }[kind]} gäller på ${circuit} sedan ${since}${until === null ? "" : `, till ${until}`}${kind === "stop" ? "" : `: ${kw}`}.`,
  alert: (kind, subject, cause, since) => `Öppet sedan ${since}: ${kind} för ${subject}: ${cause}.`,
  toDo: (what) => `Att göra: ${what}`,
  head: ["tid", "gräns A", "orsak", "bunden av", ""],
  atThatTime: "< då",
  byReason: ["orsak", "minuter", "medelgräns A"],
  noLimit: "ingen gräns i loggen",
  noGateway: "ingen gateway",
};
