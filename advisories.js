// Asks the registry for known vulnerabilities of what is installed in production, and fails on each that SECURITY.md
// does not explain, or explains until a day that has passed. Run it with:
// npm run advisories [-- --required] [--report SAVED.json] [--policy SECURITY.md]
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    /** What `npm audit --json` answered earlier. */
    report: { type: "string" },
    policy: { type: "string", default: join(root, "SECURITY.md") },
    /** Fail when the registry gives no answer, too: for a release. */
    required: { type: "boolean", default: false },
  },
});

function askRegistry() {
  const npm = join(root, "node_modules/npm/bin/npm-cli.js");
  const args = [npm, "audit", "--omit", "dev", "--json"];
  return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 }).stdout;
}

/** Undefined, with the reason said, when it is no report. */
function read(text) {
  try {
    const report = JSON.parse(text);
    if (report.vulnerabilities) return report.vulnerabilities;
    process.stdout.write(`NOT CHECKED: no known vulnerabilities were asked for: ${report.message}\n`);
  } catch {
    process.stdout.write(`NOT CHECKED: the answer is no report: ${text.slice(0, 80)}\n`);
  }
}

/** Rows `| GHSA-… | package | reason | 2027-01-31 |`: the advisory, and the last day of its exception. */
function exceptions(policy) {
  const rows = policy.matchAll(
    /^\| *(GHSA-[\w-]+) *\| *(\S+) *\|[^|]*[^|\s][^|]*\| *(\d{4}-\d\d-\d\d) *\|$/gm,
  );
  return new Map([...rows].map(([, advisory, name, until]) => [`${advisory} ${name}`, until]));
}

const vulnerabilities = read(options.report ? readFileSync(options.report, "utf8") : askRegistry());
if (!vulnerabilities) process.exit(options.required ? 1 : 0);
const excepted = exceptions(readFileSync(options.policy, "utf8"));
const today = new Date().toISOString().slice(0, 10);
// What is a text names another entry, which has the advisory itself.
const found = Object.values(vulnerabilities).flatMap(({ via }) =>
  via.filter((one) => typeof one === "object"),
);
const open = found.filter(
  ({ url, name }) => !((excepted.get(`${url.split("/").at(-1)} ${name}`) ?? "") >= today),
);
for (const { name, severity, title, url, range } of open)
  process.stdout.write(
    `${severity}: ${name} ${range}: ${title} (${url}). Update it, or explain it in SECURITY.md.\n`,
  );
process.stdout.write(
  `${found.length} known vulnerabilities, ${found.length - open.length} of them explained\n`,
);
process.exitCode = open.length > 0 ? 1 : 0;
