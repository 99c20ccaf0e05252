/** Value forms of the config file that more than one section uses. Each refuses with the code that fits. */
import { z } from "zod";
import type { ErrorCode } from "../errors.ts";

/** What a refinement tells the fault list beside its message. */
export interface RefusalParams {
  code: ErrorCode;
  fix: string;
}

function refused(message: string, code: ErrorCode, fix: string) {
  return { error: message, params: { code, fix } satisfies RefusalParams };
}

function isTimeZone(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** IANA time zone name. The fix for a wrong one is completed from the site's country. */
export const TimeZone = z
  .string()
  .refine(isTimeZone, refused("is not a known time zone.", "LP101", "Use a name such as Europe/Stockholm."));

/** `MM-DD`, a day that every year has. */
export const DayOfYear = z
  .string()
  .refine(
    (text) =>
      /^\d\d-\d\d$/.test(text) && new Date(`2001-${text}T00:00:00Z`).getUTCDate() === Number(text.slice(3)),
    refused("is not a day of every year.", "LP105", "Write month and day, such as 12-31."),
  );

const currencies = new Set(Intl.supportedValuesOf("currency"));

export const Currency = z
  .string()
  .refine(
    (code) => currencies.has(code),
    refused("is not an ISO 4217 currency code.", "LP105", "Write three capitals, such as SEK."),
  );

const regions = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

export const Country = z
  .string()
  .refine(
    (code) => /^[A-Z]{2}$/.test(code) && regions.of(code) !== undefined,
    refused("is not an ISO 3166-1 alpha-2 country code.", "LP105", "Write two capitals, such as SE."),
  );

export interface Listen {
  host: string;
  /** 0 lets the system choose. */
  port: number;
}

const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

function parseListen(text: string): Listen | undefined {
  const found = LISTEN.exec(text);
  const port = Number(found?.[3]);
  if (!found || port > 65_535) return undefined;
  return { host: found[1] ?? found[2] ?? "", port };
}

/** `host:port`, IPv6 in brackets. */
export const ListenAddress = z
  .string()
  .refine(
    (text) => parseListen(text) !== undefined,
    refused("is not host:port.", "LP105", "Write an address such as 127.0.0.1:1883 or [::1]:1883."),
  )
  .transform((text): Listen => parseListen(text) ?? { host: "", port: 0 });

/** A URL with one of `schemes`; user names and passwords in it are refused. */
export function urlOf(schemes: readonly string[]) {
  const allowed = new RegExp(`^(?:${schemes.join("|")})://[^/?#\\s]+`);
  const example = `Write a URL that begins with ${schemes.map((s) => `${s}://`).join(" or ")}.`;
  return z
    .string()
    .refine((text) => allowed.test(text) && URL.canParse(text), refused("is not usable.", "LP105", example))
    .refine(
      (text) => !/^[^/?#]*:\/\/[^/?#]*@/.test(text),
      refused(
        "holds a user name or password.",
        "LP114",
        "Write them in keys of their own, the password in a file.",
      ),
    );
}

/** Path of a file; relative ones start at the config file's folder. */
export const FilePath = z.string().min(1);

/** Amperes. The top is far above any low-voltage fuse, and catches milliamperes. */
export const Amperes = z.number().min(0).max(20_000);

/** One current for all lines, or one for each of L1, L2, L3. */
export const LineAmperes = z
  .union([Amperes, z.tuple([Amperes, Amperes, Amperes])], {
    error: "is not a current. Write amperes from 0 to 20000: one number, or [L1, L2, L3].",
  })
  .transform((v): [number, number, number] => (typeof v === "number" ? [v, v, v] : v));
