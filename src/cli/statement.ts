/** `laddport statement`: the bills and credits of a month as a document, a table for bookkeeping, or JSON. */
import { csvOf } from "../documents/csv.ts";
import { htmlOf } from "../documents/html.ts";
import { pdfOf } from "../documents/pdf.ts";
import { BillFault, type Statement, type StatementScope, statementOf } from "../documents/statement.ts";
import { statementRows } from "../documents/statement-csv.ts";
import { statementDocument } from "../documents/statement-document.ts";
import { LaddportError } from "../errors.ts";
import type { Cdr } from "../model/cdr.ts";
import { localTime } from "../rules/explain-time.ts";
import { cdrsOf } from "./cdr-log.ts";
import { issuing, writeDocument } from "./document-files.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { recordRead } from "./recorded.ts";

export interface StatementOptions {
  /** `2026-11`. */
  month: string;
  data: string;
  group?: string;
  tokenRef?: string;
  config?: string;
  /** For the audit trail. */
  reason?: string;
  lang?: string;
  html?: string;
  pdf?: string;
  csv?: string;
  csvBom?: boolean;
  json?: boolean;
}

/** A table on stdout unless a file or JSON is asked for. Exit 1 when nothing was billed. */
export async function statement(options: StatementOptions, io: CommandIo): Promise<number> {
  const scope = scopeOf(options);
  const { issuer, language } = issuing(options);
  const reader = openLog(options.data);
  const cdrs: Cdr[] = [];
  for await (const { body } of cdrsOf(reader)) if ("id" in body) cdrs.push(body);
  await reader.close();
  const made = added(cdrs, scope);
  if (made.currencies.length === 0) {
    io.stderr.write(nothingBilled(cdrs, scope));
    return EXIT.failed;
  }
  const whose = scope.tokenRef ?? scope.group ?? null;
  const detail = { month: scope.month };
  await recordRead(
    options.data,
    { action: "statement.read", object: whose, reason: options.reason, detail },
    io,
  );
  const site = made.currencies[0]?.bills[0]?.cdr.cdr_location.id ?? "";
  const document = statementDocument(made, issuer ?? { site }, language);
  if (options.html !== undefined) writeDocument(options.html, htmlOf(document));
  if (options.pdf !== undefined) writeDocument(options.pdf, await pdfOf(document));
  if (options.csv !== undefined) {
    writeDocument(options.csv, csvOf(statementRows(made), { bom: options.csvBom === true }));
  }
  const files = [options.html, options.pdf, options.csv].filter((file) => file !== undefined);
  if (files.length > 0) io.stderr.write(`the statement is in ${files.join(" and ")}\n`);
  if (options.json) io.stdout.write(`${JSON.stringify(jsonOf(made))}\n`);
  else if (files.length === 0) io.stdout.write(textOf(made));
  return EXIT.ok;
}

/** @throws LaddportError LP808 when a bill does not add up. */
function added(cdrs: readonly Cdr[], scope: StatementScope): Statement {
  try {
    return statementOf(cdrs, scope);
  } catch (cause) {
    if (!(cause instanceof BillFault)) throw cause;
    const { id, path, stored, computed } = cause;
    throw new LaddportError("LP808", cause.message, {
      fix: `See laddport cdr verify ${id}, and take the bill back with laddport cdr credit ${id}.`,
      detail: { id, path, stored, computed },
      cause,
    });
  }
}

/** @throws LaddportError LP803. */
function scopeOf({ month, group, tokenRef }: StatementOptions): StatementScope {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) {
    throw new LaddportError("LP803", `--month ${JSON.stringify(month)} is not a month.`, {
      fix: "Write one such as 2026-11.",
    });
  }
  if (group !== undefined && tokenRef !== undefined) {
    throw new LaddportError("LP803", "--group and --token-ref cannot be given together.", {
      fix: "A statement is for one of them, or for the whole site.",
    });
  }
  return {
    month,
    ...(group === undefined ? {} : { group }),
    ...(tokenRef === undefined ? {} : { tokenRef }),
  };
}

function nothingBilled(cdrs: readonly Cdr[], { month, group, tokenRef }: StatementScope): string {
  const whose =
    group !== undefined ? ` for group ${group}` : tokenRef !== undefined ? ` for ${tokenRef}` : "";
  const months = [...new Set(cdrs.map((cdr) => cdr.end_date_time.slice(0, 7)))].sort();
  const span =
    months.length === 0 ? "the log has no bills" : `the months with bills are ${months.join(", ")} (UTC)`;
  return `nothing was billed${whose} in ${month}; ${span}\n`;
}

/** Amounts are decimal text. */
function jsonOf({ scope, currencies }: Statement): unknown {
  return {
    month: scope.month,
    group: scope.group ?? null,
    token_ref: scope.tokenRef ?? null,
    currencies: currencies.map(({ bills, ...sums }) => ({
      ...sums,
      bills: bills.map(({ cdr, sha256 }) => ({
        cdr_id: cdr.id,
        credit_of: cdr.credit_reference_id ?? null,
        token_ref: cdr.cdr_token,
        token_group: cdr.token_group ?? null,
        end_date_time: cdr.end_date_time,
        total_energy: cdr.total_energy,
        total_cost: cdr.total_cost,
        payable: cdr.payable,
        sha256,
      })),
    })),
  };
}

function textOf({ currencies }: Statement): string {
  return currencies
    .map(({ currency, bills, total, vat, rounding, payable }) => {
      const rows = bills.map(({ cdr }) => [
        cdr.id,
        localTime(cdr.time_zone ?? "UTC", cdr.end_date_time),
        cdr.total_energy,
        cdr.total_cost.excl_vat,
        cdr.total_cost.incl_vat,
        cdr.payable.amount,
      ]);
      const rates = vat.map((rate) => [
        rate.percent === null ? "VAT, no rate" : `VAT ${rate.percent} %`,
        rate.net,
        rate.tax,
        rate.gross,
      ]);
      return `${table([["bill", "ended", "kWh", "net", "gross", currency], ...rows])}

${table([["", "net", "VAT", "gross"], ...rates, ["total", total.net, total.tax, total.gross]])}
rounding ${rounding}
to pay ${payable} ${currency}
`;
    })
    .join("\n");
}
