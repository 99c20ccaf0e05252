// The bill of materials of a release, CycloneDX 1.5 as JSON: every package that an installation may hold, on any
// platform, from the lockfile alone. Run it with: npm run sbom [-- FILE]
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const file = process.argv[2] ?? join(root, "dist/sbom.cdx.json");
const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What these packages say in a file only, or in a field that npm does not read; each was read, in this version. */
const LICENCES = {
  "busboy@1.6.0": "MIT",
  "cli-table@0.3.11": "MIT",
  "passport-http-bearer@1.0.1": "MIT",
  "passport-oauth2-client-password@0.1.2": "MIT",
  "passport-strategy@1.0.0": "MIT",
  "pause@0.0.1": "MIT",
  "png-js@2.0.0": "MIT",
  "qrcode-terminal@0.12.0": "Apache-2.0",
  "streamsearch@1.1.0": "MIT",
};

// The pinned npm: older ones have no such command. It describes one place of a package that lies in several, and its
// `--omit dev` leaves out what is needed in production and for development both: so everything is asked for, and the
// lockfile, which has an entry for each place, says what is for development alone and what its archive's hash is.
const npm = join(root, "node_modules/npm/bin/npm-cli.js");
const args = [npm, "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
const output = { cwd: root, maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "pipe"] };
const bom = JSON.parse(execFileSync(process.execPath, args, output).toString("utf8"));

const locked = Map.groupBy(
  Object.entries(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages),
  ([path, one]) => `${one.name ?? path.replace(/^.*node_modules\//, "")}@${one.version}`,
);
const places = (ref) => (locked.get(ref) ?? []).map(([, place]) => place);
const isKept = (ref) => places(ref).length === 0 || places(ref).some(({ dev }) => !dev);
bom.components = bom.components.filter((component) => isKept(component["bom-ref"]));
bom.dependencies = bom.dependencies
  .filter(({ ref }) => isKept(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isKept) }));
for (const component of bom.components) {
  const ref = component["bom-ref"];
  const { integrity } = places(ref).find((place) => place.integrity?.startsWith("sha512-")) ?? {};
  const hidden = ["cdx:npm:package:development", ...(integrity ? ["cdx:npm:package:bundled"] : [])];
  component.properties = component.properties.filter((one) => !hidden.includes(one.name));
  if (integrity) {
    const content = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
    component.hashes = [{ alg: "SHA-512", content }];
  }
  if (LICENCES[ref] && !component.licenses?.length) component.licenses = [{ license: { id: LICENCES[ref] } }];
}
// npm names it after the folder that it lies in.
Object.assign(bom.metadata.component, { type: "application", name, version });

mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
process.stdout.write(`${file}: ${bom.components.length} packages of ${name} ${version}\n`);
