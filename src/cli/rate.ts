/** `laddport rate`: prices an OCPI session by a tariff. Reads files and needs no running gateway. */
import { LaddportError } from "../errors.ts";
import type { CdrLine } from "../model/cdr.ts";
import { ocpiVersion, type Tariff } from "../model/tariff.ts";
import { lintTariff } from "../rules/lint-tariff.ts";
import { RatingInputError } from "../rules/rate/input-error.ts";
import { type OcpiRating, type OcpiSession, rateOcpi } from "../rules/rate/ocpi.ts";
import { readPartnerTariff } from "../rules/rate/partner-tariff.ts";
import { textOf } from "./input-file.ts";
import { type CommandIo, EXIT, printable, table } from "./output.ts";

export interface RateOptions {
  tariff: string;
  session: string;
  json?: boolean;
}

/** Exit code 0; throws LaddportError LP805 or LP807 naming the file, the field and the value seen. */
export async function rateFiles(options: RateOptions, io: CommandIo): Promise<number> {
  const { tariff, notes } = of(options.tariff, () => readPartnerTariff(readJson(options.tariff)));
  const session = readJson(options.session) as OcpiSession;
  const rated = of(options.session, () => rateOcpi(session, tariff));
  const rating = { ...rated, warnings: [...notes, ...rated.warnings] };
  for (const { path, message, fix } of lintTariff(tariff))
    io.stderr.write(`${options.tariff}: ${shownPath(path)} ${message} ${fix}\n`);
  if (options.json) io.stdout.write(`${JSON.stringify(rating)}\n`);
  else io.stdout.write(describe(rating, tariff));
  for (const { code, detail } of options.json ? [] : rating.warnings) io.stderr.write(`${code}: ${detail}\n`);
  return EXIT.ok;
}

function describe(rating: OcpiRating, tariff: Tariff): string {
  const head = ["dimension", "element", "from", "to", "measured", "billed", "price", "tax %", "net", "gross"];
  const rows = rating.lines.map((line) => [
    line.reservation ? `${line.dimension} (reservation)` : line.dimension,
    line.element === null ? "" : `${line.element}.${line.component}`,
    line.from,
    line.to,
    amount(line, line.measured),
    amount(line, line.billed),
    line.element === null ? "" : line.unit_price,
    line.vat_percent ?? "",
    line.amount.excl_vat,
    line.amount.incl_vat,
  ]);
  const total = ["total", "", "", "", "", "", "", "", rating.total_excl_tax, rating.total_incl_tax];
  const { total_energy, total_time, total_parking_time, currency } = rating;
  return `${[
    `Tariff ${tariff.id} (OCPI ${ocpiVersion(tariff)}), ${currency}: ${total_energy} kWh, ${total_time} h, of these ${total_parking_time} h parked`,
    table([head, ...rows, total]),
  ].join("\n")}\n`;
}

function amount({ dimension, element }: CdrLine, quantity: string): string {
  if (element === null) return "";
  return dimension === "FLAT" ? quantity : `${quantity} ${dimension === "ENERGY" ? "kWh" : "h"}`;
}

/** Numbers with a fraction stay as written: 0.500 says three decimals; so do those that no number is large enough for. */
function readJson(file: string): unknown {
  const text = textOf(file);
  const asWritten = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== "number") return value;
    if (value === 0) return context?.source?.startsWith("-") ? 0 : fraction(value, context?.source);
    return Number.isFinite(value) ? fraction(value, context?.source) : context?.source;
  };
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""), asWritten);
  } catch (cause) {
    const deep = cause instanceof RangeError;
    const why = deep ? "it is nested too deeply" : printable((cause as Error).message);
    throw new LaddportError("LP807", `${file} is not JSON: ${text.trim() === "" ? "it is empty" : why}.`, {
      cause,
      fix: "Write one JSON object.",
    });
  }
}

function fraction(value: number, source = ""): number | string {
  return /^-?\d+\.\d+$/.test(source) ? source : value;
}

/** Runs `work` on what came from `file`, and names that file in what it refuses. */
function of<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof RatingInputError) {
      const fix = `${cause.fix.charAt(0).toUpperCase()}${cause.fix.slice(1)}.`;
      throw new LaddportError("LP807", `${file}: ${cause.path} ${cause.problem}.`, { cause, fix });
    }
    if (cause instanceof RangeError)
      throw new LaddportError("LP807", `${file}: ${cause.message}.`, {
        cause,
        fix: "Check volumes and prices.",
      });
    throw cause;
  }
}

function shownPath(path: readonly (string | number)[]): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .slice(1);
}
