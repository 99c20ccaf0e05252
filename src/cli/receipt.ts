/** `laddport receipt`: one bill or credit as HTML or PDF, from the log. */
import { cdrHash } from "../documents/cdr-hash.ts";
import { htmlOf } from "../documents/html.ts";
import { pdfOf } from "../documents/pdf.ts";
import { receiptOf } from "../documents/receipt.ts";
import { findCdr, noCdr } from "./cdr-log.ts";
import { issuing, writeDocument } from "./document-files.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT } from "./output.ts";
import { recordRead } from "./recorded.ts";

export interface ReceiptOptions {
  /** Of the CDR or its session. */
  id: string;
  data: string;
  config?: string;
  lang?: string;
  /** For the audit trail. */
  reason?: string;
  html?: string;
  pdf?: string;
}

/** HTML on stdout unless a file is named. */
export async function receipt(options: ReceiptOptions, io: CommandIo): Promise<number> {
  const { issuer, language } = issuing(options);
  const reader = openLog(options.data);
  const cdr = (await findCdr(reader, options.id))?.body;
  // The id that a credit of it has (rules/credit).
  const credit = cdr && (await findCdr(reader, `${cdr.id}-C`))?.body;
  await reader.close();
  if (!cdr) {
    io.stderr.write(await noCdr(options.data, options.id));
    return EXIT.failed;
  }
  await recordRead(options.data, { action: "receipt.read", object: cdr.id, reason: options.reason }, io);
  if (credit) io.stderr.write(`${cdr.id} was taken back: laddport receipt ${credit.id} shows the credit\n`);
  const document = receiptOf(cdr, issuer ?? { site: cdr.cdr_location.id }, language);
  if (options.pdf !== undefined) writeDocument(options.pdf, await pdfOf(document));
  if (options.html !== undefined) writeDocument(options.html, htmlOf(document));
  const files = [options.pdf, options.html].filter((file) => file !== undefined);
  if (files.length === 0) io.stdout.write(htmlOf(document));
  else io.stderr.write(`${cdr.id} is in ${files.join(" and ")}, SHA-256 ${cdrHash(cdr)}\n`);
  return EXIT.ok;
}
