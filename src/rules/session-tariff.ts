/** Who a session charges for and the tariff that follows from it: chosen when the session gets its token, then frozen. */
import type { TransactionBody } from "../model/event.ts";
import type { TariffVersion } from "../model/tariff.ts";
import { chooseTariff, type TariffBook } from "./choose-tariff.ts";
import type { OpenSession, SitePart } from "./session-part.ts";
import type { Message, Step } from "./session-step.ts";

/** Far more than there are starts of a gateway with a changed config while one session waits for its token. */
const MAX_BOOKS = 8;

export type Bearer = Pick<OpenSession, "tokenRef" | "tokenGroup" | "vehicle">;

/** What a station sends without a token names nobody. */
export const NOBODY: Bearer = { tokenRef: null, tokenGroup: null, vehicle: null };

export function bearerOf({ token_ref, token_group, vehicle }: TransactionBody): Bearer {
  if (token_ref === undefined) return NOBODY;
  return { tokenRef: token_ref, tokenGroup: token_group ?? null, vehicle: vehicle ?? null };
}

export function adopt(site: SitePart, book: TariffBook): void {
  site.books = [...site.books.filter(({ hash }) => hash !== book.hash), book].slice(-MAX_BOOKS);
}

/** The tariff of a session that begins. */
export function chosen(
  step: Step,
  evse: number,
  bearer: Bearer,
  startedMs: number,
): { tariff: TariffVersion | null; book: string | null } {
  const book = step.site.books.at(-1);
  if (!book) return { tariff: null, book: null };
  return { tariff: chooseFrom(book, step, evse, bearer, startedMs), book: book.hash };
}

/** True when a message brings the token that the session has waited for. */
export function lacksToken(session: OpenSession, body: TransactionBody): boolean {
  return session.tokenRef === null && body.token_ref !== undefined;
}

/**
 * The token came, or the start with what it says: chosen again, from what the depot had when the session began, so that
 * a tariff replaced in between never reaches back into it.
 */
export function giveToken(m: Message, session: OpenSession, body: TransactionBody): void {
  if (body.token_ref !== undefined) Object.assign(session, bearerOf(body));
  const book = m.site.books.find(({ hash }) => hash === session.book);
  if (book) session.tariff = chooseFrom(book, m, m.evse, session, session.startedMs);
}

/** Of a session that has ended, from the book it began under; undefined when that is no longer known. */
export function tariffIn(
  step: Step,
  evse: number,
  book: string | null,
  bearer: Bearer,
  startedMs: number,
): TariffVersion | null | undefined {
  const known = step.site.books.find(({ hash }) => hash === book);
  return known && chooseFrom(known, step, evse, bearer, startedMs);
}

function chooseFrom(
  book: TariffBook,
  { station }: Step,
  evse: number,
  { tokenGroup, vehicle }: Bearer,
  startedMs: number,
): TariffVersion | null {
  return chooseTariff(book, { station, evse, tokenGroup, vehicle, startedMs });
}
