/**
 * Departures and lines of a timetable as people, files and flows write them, made exact: or every fault of them, with
 * its place, the value seen and the fix. All doors read by this rule.
 */
import { type DepartureRecord, type TimetableLine, WEEKDAYS } from "../../model/departure.ts";
import { type EvseId, Id } from "../../model/ids.ts";
import type { Fleet } from "../../model/vehicle.ts";
import { dateIn } from "../report-calendar.ts";
import { daysIn, momentIn, timeIn } from "./read-time.ts";
import { amountIn, type Wish } from "./read-wish.ts";

/** One departure or line: `at` is where it stands, `file:line` or `/departures/3`. Empty text means absent. */
export interface GivenDeparture {
  at: string;
  fields: Readonly<Record<string, unknown>>;
}

/** What departures are held against. */
export interface DepotWords extends Fleet {
  /** IANA name. */
  zone: string;
  /** Depot time, ms. */
  nowMs: number;
  evses: ReadonlySet<string>;
}

export interface ReadFault {
  at: string;
  message: string;
  fix: string;
}

export interface ReadDepartures {
  departures: DepartureRecord[];
  lines: TimetableLine[];
  /** Departures that are past, left out. */
  passed: number;
  notes: string[];
  clamped: boolean;
  faults: ReadFault[];
}

/** Further ahead than this there is the timetable. */
const AHEAD_DAYS = 60;
const DAY_MS = 86_400_000;
const OWN_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** Those with `days` are lines of the timetable. */
export function readDepartures(given: readonly GivenDeparture[], words: DepotWords): ReadDepartures {
  const read: ReadDepartures = {
    departures: [],
    lines: [],
    passed: 0,
    notes: [],
    clamped: false,
    faults: [],
  };
  const placeOf = new Map<string, string>();
  for (const one of given) readOne(one, words, read, placeOf);
  return read;
}

function readOne(
  { at, fields }: GivenDeparture,
  words: DepotWords,
  read: ReadDepartures,
  placeOf: Map<string, string>,
): void {
  const before = read.faults.length;
  const refuse = (message: string, fix: string) => void read.faults.push({ at, message, fix });
  const text = (name: string) => textOf(fields[name]);
  const who = whoIn(text("vehicle"), text("evse"), words, refuse);
  const wish = amountIn(text, who?.vehicle, words, refuse);
  const kind = classIn(text("class"), words, refuse);
  const given = text("id");
  if (given !== undefined && !OWN_ID.test(given))
    refuse(`id is "${given}"`, "Use 1 to 64 letters, digits, '.', '_', ':' or '-'.");
  const days = isEmpty(fields.days) ? undefined : daysIn(fields.days, refuse);
  const written = text("depart") ?? "";
  const time = days ? timeIn(written, refuse) : undefined;
  const momentMs = days ? undefined : momentIn(written, words, refuse);
  if (read.faults.length > before || !who) return;
  const said = { ...who, ...wish.said, ...(kind === undefined ? {} : { class: kind }) };
  const name = who.vehicle ?? who.evse.replace("/", ".");
  if (days && time !== undefined) {
    const id =
      given ??
      `${name}:${days.length === WEEKDAYS.length ? "daily" : days.join("-")}:${time.replace(":", "")}`;
    if (isNew(id, at, placeOf, refuse)) read.lines.push({ id, days, depart: time, ...said });
  } else if (momentMs !== undefined) {
    if (momentMs <= words.nowMs) {
      read.passed += 1;
      return;
    }
    if (momentMs > words.nowMs + AHEAD_DAYS * DAY_MS) {
      refuse(
        `depart is ${written}, more than ${AHEAD_DAYS} days ahead`,
        "Check the date, or give a line of the timetable with days.",
      );
      return;
    }
    const id = given ?? `${name}:${dateIn(momentMs, words.zone)}`;
    if (isNew(id, at, placeOf, refuse))
      read.departures.push({ id, depart: new Date(momentMs).toISOString(), ...said });
  }
  noteWish(name, wish, read);
}

function noteWish(name: string, { note, clamped }: Wish, read: ReadDepartures): void {
  if (note !== undefined) read.notes.push(`${name}: ${note}`);
  if (clamped) read.clamped = true;
}

type Refuse = (message: string, fix: string) => void;

function isNew(id: string, at: string, placeOf: Map<string, string>, refuse: Refuse): boolean {
  const other = placeOf.get(id);
  placeOf.set(id, at);
  if (other === undefined) return true;
  refuse(`has the id ${id}, like ${other}`, "Give each of them an id of its own in the column id.");
  return false;
}

function whoIn(
  vehicle: string | undefined,
  evse: string | undefined,
  { evses }: DepotWords,
  refuse: Refuse,
): { vehicle: string; evse?: never } | { evse: EvseId; vehicle?: never } | undefined {
  if (vehicle !== undefined && evse !== undefined)
    return void refuse(`names vehicle ${vehicle} and evse ${evse}`, "Keep one of the two.");
  if (vehicle !== undefined) {
    if (Id.safeParse(vehicle).success) return { vehicle };
    return void refuse(
      `vehicle is "${vehicle}"`,
      "Use its id as the token list has it: 1 to 36 lower case letters, digits or '-'.",
    );
  }
  if (evse === undefined)
    return void refuse("names no vehicle and no evse", "Give vehicle, or evse as station/number: cp-01/1.");
  if (evses.has(evse)) return { evse: evse as EvseId };
  return void refuse(
    `evse is "${evse}", which the depot has not`,
    `Use one such as ${[...evses].slice(0, 3).join(", ")}.`,
  );
}

function classIn(name: string | undefined, { classes }: DepotWords, refuse: Refuse): string | undefined {
  if (name === undefined || classes.has(name)) return name;
  const known = [...classes.keys()];
  const fix =
    known.length > 0
      ? `Use one of ${known.join(", ")}, or add it to classes.`
      : "Add classes to the config, or leave class out.";
  return void refuse(`class is "${name}", which the config has not`, fix);
}

const isEmpty = (value: unknown) => value === undefined || value === "";

/** A cell of a table: trimmed, and nothing when it is empty. Numbers as they are written. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string" || value.trim() === "") return undefined;
  return value.trim();
}
