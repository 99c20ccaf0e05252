/** `laddport cdr signed`: the signed records behind a CDR, printed or as the transparency software's XML. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { SealedReader } from "../identity/sealed-reader.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { OcmfError } from "../rules/ocmf/error.ts";
import { type OcmfRecord, parseOcmf } from "../rules/ocmf/record.ts";
import { transparencyXml } from "../rules/ocmf/xml.ts";
import { findCdr, noCdr } from "./cdr-log.ts";
import { openLog } from "./log.ts";
import { writeText } from "./ocmf.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface SignedOptions {
  data: string;
  config: string;
  id: string;
  xml?: string;
  json?: boolean;
}

/**
 * `--json`: `{cdr_id, public_key, values: [{nature, signed_data, reason?}]}`. Exit 1 when there is no such CDR, when no
 * signed values came with it, or when one cannot be opened.
 */
export async function cdrSigned(options: SignedOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const found = await findCdr(reader, options.id);
  await reader.close();
  const signed = found?.body.signed_data;
  if (!found || !signed) {
    io.stderr.write(
      found ? `no signed values came with ${found.body.id}\n` : await noCdr(options.data, options.id),
    );
    return EXIT.failed;
  }
  const sealed = sealedReader(options);
  const values = signed.values.map(({ nature, ...value }) => {
    const opened = sealed.open(value);
    if ("missing" in opened) return { nature, signed_data: null, reason: opened.missing };
    return { nature, signed_data: opened.bytes.toString("utf8") };
  });
  sealed.close();
  const { id } = found.body;
  const missing = values.flatMap(({ nature, reason }) =>
    reason === undefined ? [] : [`${nature}: ${reason}`],
  );
  for (const text of missing) io.stderr.write(`${id} ${text}\n`);
  const texts = values.flatMap(({ signed_data }) => (signed_data === null ? [] : [signed_data]));
  if (options.xml !== undefined && texts.length > 0)
    writeText(options.xml, transparencyXml(texts.flatMap(readable), signed.public_key));
  if (options.json)
    io.stdout.write(`${JSON.stringify({ cdr_id: id, public_key: signed.public_key, values })}\n`);
  else if (options.xml === undefined) io.stdout.write(texts.map((text) => `${text}\n`).join(""));
  return missing.length > 0 ? EXIT.failed : EXIT.ok;
}

function sealedReader({ config, data }: SignedOptions): SealedReader {
  const { identity } = loadConfig(config, { env: process.env });
  const file = join(data, "subjects.db");
  if (!existsSync(file))
    throw new LaddportError("LP803", `there is no sealed store in ${data} (${file} is missing)`, {
      fix: "Name the data directory with --data.",
    });
  return new SealedReader(file, new Vault(readKek(identity.kekFile)));
}

/** The container takes records only; what a station sent instead of one is no evidence. */
function readable(text: string): OcmfRecord[] {
  try {
    return [parseOcmf(text)];
  } catch (error) {
    if (error instanceof OcmfError) return [];
    throw error;
  }
}
