import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** An older Node.js on this machine, if there is one. */
function oldNode(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((f) => !f.includes("node_modules"));
  return folders
    .map((folder) => join(folder, "node"))
    .find((file) => existsSync(file) && Number(version(file).slice(1).split(".")[0]) < 24);
}

const version = (node: string) => execFileSync(node, ["--version"], { encoding: "utf8" });

/** A command line that tells what it got, and then does what it is told. */
const CLI = `
const [what, ...rest] = process.argv.slice(2);
if (what === "exit") process.exitCode = Number(rest[0]);
if (what === "wait") {
  setInterval(() => {}, 1000);
  process.on("SIGTERM", () => { console.log("stopping"); process.exit(7); });
}
console.log(JSON.stringify({ major: Number(process.versions.node.split(".")[0]), rest, pid: process.pid, relayed: process.env.LADDPORT_RELAYED ?? null, execArgv: process.execArgv }));
`;

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "laddport-shim-"));
  for (const folder of ["src", "bare"]) mkdirSync(join(dir, folder));
  writeFileSync(join(dir, "package.json"), '{"type":"module"}');
  for (const folder of ["src", "bare"])
    copyFileSync(join(root, "src/laddport.js"), join(dir, folder, "laddport.js"));
  writeFileSync(join(dir, "src/cli.ts"), CLI);
  mkdirSync(join(dir, "src/node_modules"));
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  if (existsSync(join(root, "node_modules", name))) {
    symlinkSync(join(root, "node_modules", name), join(dir, "src/node_modules", name));
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Run {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  ended: Promise<unknown[]>;
}

function start(node: string, folder: string, ...args: string[]): Run {
  const child = spawn(node, [join(dir, folder, "laddport.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (d) => (output.stdout += d));
  child.stderr?.on("data", (d) => (output.stderr += d));
  return { child, output, ended: once(child, "close") };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((settle) => setTimeout(settle, 20));
}

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("under Node.js 24", () => {
  it("runs the command line in its own process and passes the exit code on", async () => {
    const { child, output, ended } = start(process.execPath, "src", "exit", "78", "a b");
    expect((await ended)[0]).toBe(78);
    expect(JSON.parse(output.stdout)).toMatchObject({ rest: ["78", "a b"], pid: child.pid });
  });

  it.skipIf(process.platform === "win32")(
    "starts a gateway with small heaps, still as the same process",
    async () => {
      const { child, output, ended } = start(process.execPath, "src", "run", "a b");
      expect((await ended)[0]).toBe(0);
      expect(output.stderr).toBe("");
      expect(JSON.parse(output.stdout)).toMatchObject({ rest: ["a b"], pid: child.pid });
      expect(JSON.parse(output.stdout).execArgv).toContain("--max-semi-space-size=8");
    },
  );

  it("says what is missing when no command line is beside it", async () => {
    const { output, ended } = start(process.execPath, "bare", "exit", "0");
    expect((await ended)[0]).toBe(1);
    expect(output.stderr).toMatch(/^laddport: cli\.js is not beside .*npm install\n$/);
  });
});

const old = oldNode();

describe.skipIf(!old)(
  `under an older Node.js (${old ? version(old).trim() : "none on this machine: skipped"})`,
  () => {
    const node = String(old);

    it("relays to the pinned one: arguments, output, exit code", async () => {
      const { output, ended } = start(node, "src", "exit", "78", "--x=ö");
      expect((await ended)[0]).toBe(78);
      expect(JSON.parse(output.stdout)).toMatchObject({ major: 24, rest: ["78", "--x=ö"], relayed: null });
    });

    it("passes SIGTERM on and waits for a graceful end", async () => {
      const { child, output, ended } = start(node, "src", "wait");
      await until(() => output.stdout.includes("\n"));
      child.kill("SIGTERM");
      expect((await ended)[0]).toBe(7);
      expect(output.stdout).toContain("stopping");
    });

    it("leaves nothing behind when it is killed", async () => {
      const { child, output, ended } = start(node, "src", "wait");
      await until(() => output.stdout.includes("\n"));
      const { pid } = JSON.parse(output.stdout);
      expect(alive(pid)).toBe(true);
      child.kill("SIGKILL");
      await ended;
      await until(() => !alive(pid));
    });

    it("says in one line how to get Node.js 24 when none is pinned", async () => {
      const { output, ended } = start(node, "bare", "exit", "0");
      expect((await ended)[0]).toBe(1);
      expect(output.stderr).toMatch(/^laddport: LP804 needs Node\.js 24, this is [\d.]+, .*nodejs\.org\n$/);
    });
  },
);

describe("compiled code", () => {
  const TELL = `console.log(JSON.stringify(process.env.NODE_COMPILE_CACHE ?? null));`;
  const told = (env: NodeJS.ProcessEnv) => {
    writeFileSync(join(dir, "bare/cli.js"), TELL);
    try {
      return JSON.parse(
        execFileSync(process.execPath, [join(dir, "bare/laddport.js")], { env, encoding: "utf8" }),
      );
    } finally {
      rmSync(join(dir, "bare/cli.js"));
    }
  };

  it("is kept in the program's own folder, its threads' too", () => {
    expect(told({ XDG_CACHE_HOME: join(dir, "cache") })).toBe(join(dir, "cache/laddport"));
    expect(readdirSync(join(dir, "cache"))).toEqual(["laddport"]);
    expect(told({ NODE_COMPILE_CACHE: join(dir, "given") })).toBe(join(dir, "given"));
  });

  it("is not kept where nothing can be, and nobody is stopped by that", () => {
    expect(told({ XDG_CACHE_HOME: "/dev/null" })).toBe(null);
  });

  it.skipIf(process.getuid?.() !== 0)("is not kept for a user without a home", () => {
    const folder = mkdtempSync(join(tmpdir(), "laddport-homeless-"));
    try {
      chmodSync(folder, 0o755);
      copyFileSync(join(root, "src/laddport.js"), join(folder, "laddport.js"));
      writeFileSync(join(folder, "package.json"), '{"type":"module"}');
      writeFileSync(join(folder, "cli.js"), TELL);
      const asked = { env: {}, encoding: "utf8", uid: 54321, gid: 54321, cwd: folder } as const;
      expect(execFileSync(process.execPath, [join(folder, "laddport.js")], asked)).toBe("null\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the scripts of package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const programs = Object.entries(scripts).flatMap(([script, line]) =>
    line.split("&&").map((command) => ({ script, program: command.trim().split(" ")[0] as string })),
  );

  // npm links the commands of dependencies, and never the root package's own.
  it.each(programs)("$script: $program is there after npm install", ({ program }) => {
    expect(program === "node" || existsSync(join(root, "node_modules/.bin", program))).toBe(true);
  });

  it("npm run demo starts the demo", () => {
    const help = execFileSync("npm", ["run", "--silent", "demo", "--", "--help"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(help).toContain("--stations");
  });
});
