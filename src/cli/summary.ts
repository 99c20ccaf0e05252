/** `laddport summary open`: reads files and needs no running gateway. */
import { openSummaryFile } from "../workers/summary-open.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface OpenOptions {
  file: string;
  key: string;
  cert?: string;
  signer?: string;
  json?: boolean;
}

export async function summaryOpen(options: OpenOptions, io: CommandIo): Promise<number> {
  try {
    const { summary, signer } = await openSummaryFile({
      file: options.file,
      keyFile: options.key,
      ...(options.cert ? { certFile: options.cert } : {}),
      ...(options.signer ? { signerFile: options.signer } : {}),
    });
    if (options.json) {
      io.stdout.write(`${JSON.stringify({ ...summary, signer })}\n`);
      return EXIT.ok;
    }
    const { gateway, epoch, seq, issued_at, cdrs } = summary;
    io.stdout.write(`summary ${gateway}/${epoch}/${seq} of ${issued_at}, signed by ${signer.subject}`);
    io.stdout.write(
      signer.trusted ? " (trusted)\n" : " (not compared: name its certificate with --signer)\n",
    );
    const rows = cdrs.map((c) => [
      c.id,
      c.start_date_time,
      c.total_energy,
      c.total_cost.excl_vat,
      c.total_cost.incl_vat,
      c.currency,
    ]);
    for (const { payer, erased_at } of summary.erasures ?? [])
      io.stdout.write(`erase payer ${payer}: erased at the depot ${erased_at}\n`);
    const signed = summary.signed_records ?? [];
    if (signed.length > 0)
      io.stdout.write(`with the signed meter values of ${signed.length} CDRs; --json shows them\n`);
    io.stdout.write(`${table([["CDR", "start", "kWh", "net", "gross", ""], ...rows])}\n`);
    return EXIT.ok;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) throw error;
    io.stderr.write(`${(error as Error).message}\n`);
    return EXIT.failed;
  }
}
