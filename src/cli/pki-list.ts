/** `laddport pki list`: what the depot's authority issued, and what became of it. */
import { stateOf } from "../identity/certificate-index.ts";
import { DepotAuthority } from "../identity/depot-authority.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { type PkiOptions, placesOf, withAuthority } from "./pki-place.ts";

const DAY_MS = 86_400_000;

/** Revoked and expired ones only with `all`. */
export async function pkiList(options: PkiOptions & { all?: boolean }, io: CommandIo): Promise<number> {
  const places = placesOf(options);
  const nowMs = (options.nowMs ?? Date.now)();
  const { index } = await withAuthority(
    places,
    () => DepotAuthority.open(places.authority),
    (authority) => Promise.resolve(authority),
  );
  const rows = index.certificates
    .map((entry) => ({
      ...entry,
      days_left: Math.floor((Date.parse(entry.not_after) - nowMs) / DAY_MS),
      state: stateOf(entry, index, nowMs),
    }))
    .filter(({ state }) => options.all || state === "valid" || state === "replaced");
  if (options.json) {
    io.stdout.write(`${JSON.stringify(rows)}\n`);
    return EXIT.ok;
  }
  const head = ["subject", "serial", "purpose", "valid until", "days left", "state"];
  const lines = rows.map((r) => [
    r.subject,
    r.serial,
    r.purpose,
    r.not_after.slice(0, 10),
    r.days_left,
    r.state,
  ]);
  io.stdout.write(`${table([head, ...lines])}\n`);
  const hidden = index.certificates.length - rows.length;
  if (hidden > 0) io.stderr.write(`${hidden} revoked or expired: --all shows them.\n`);
  return EXIT.ok;
}
