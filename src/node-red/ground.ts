/** Everything that must be true before Node-RED can start: its folder, its owner, no forgotten predecessor. */
import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { constants, copyFile, lchown, lstat, mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Account {
  uid: number;
  gid: number;
}

/** Where everything is, with links resolved: the permission model compares paths as they are spelt. */
export interface Ground {
  userDir: string;
  settings: string;
  palette: string;
  /** node-red's package.json. */
  nodeRed: string;
  /** What Node-RED reads beside its own folder. */
  readable: string[];
}

/** `root` is where `node_modules` and `flows` are when not told otherwise. Throws with the part that is missing. */
export function findGround(places: {
  root: string;
  userDir: string;
  nodeModulesDir?: string;
  settingsFile?: string;
}): Ground {
  const modules = installed(places.nodeModulesDir ?? path.join(places.root, "node_modules"));
  const settings = installed(places.settingsFile ?? path.join(places.root, "flows", "settings.cjs"));
  const palette = installed(path.join(modules, "@laddport", "node-red-depot"));
  return {
    userDir: realpathSync(places.userDir),
    settings,
    palette,
    nodeRed: installed(path.join(modules, "node-red", "package.json")),
    readable: [modules, palette, path.dirname(settings)],
  };
}

function installed(file: string): string {
  try {
    return realpathSync(file);
  } catch (cause) {
    throw new Error(`flows: ${file} is missing, so Node-RED can't start. Run npm install.`, { cause });
  }
}

/** Makes the folder (0700) and puts the first flow in it when there is none. */
export async function prepareUserDir(userDir: string, firstFlow: string): Promise<void> {
  await mkdir(userDir, { recursive: true, mode: 0o700 });
  // COPYFILE_EXCL doesn't follow a link that an earlier run may have left there.
  await copyFile(firstFlow, path.join(userDir, "flows.json"), constants.COPYFILE_EXCL).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** Gives the folder and all in it to the account. Links are given away themselves, never what they point to. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  const open = [folder];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    const stats = await lstat(current);
    if (stats.uid !== account.uid || stats.gid !== account.gid)
      await lchown(current, account.uid, account.gid);
    if (stats.isDirectory()) for (const name of await readdir(current)) open.push(path.join(current, name));
  }
}

const PROBE = `const fs = require("node:fs");
const [userDir, ...readable] = process.argv.slice(1);
for (const p of readable) fs.accessSync(p, fs.constants.R_OK);
fs.accessSync(userDir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);`;

/** Why this account can't run Node and reach these paths; undefined when it can. Tried, not derived from mode bits. */
export async function whyUnreachable(
  account: Account,
  userDir: string,
  readable: string[],
): Promise<string | undefined> {
  try {
    await run(process.execPath, ["-e", PROBE, userDir, ...readable], {
      ...account,
      cwd: "/",
      env: {},
      timeout: 20_000,
    });
    return undefined;
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    return /EACCES[^\n]*/.exec(stderr)?.[0] ?? /EACCES[^\n]*/.exec(message)?.[0] ?? message.slice(0, 200);
  }
}

/** Compiles the palette when an install without scripts left it unbuilt. */
export async function buildPalette(paletteDir: string): Promise<void> {
  if (existsSync(path.join(paletteDir, "dist", "gateway.js"))) return;
  await run(process.execPath, [path.join(paletteDir, "build.js")], { timeout: 60_000 });
}

/**
 * Ends a Node-RED that a killed gateway left behind because its flows hung (one that runs ends itself when the control
 * pipe closes). It is known by its title, which names the folder and the gateway, and by having another parent now.
 * Returns the process ids. Linux only.
 */
export async function endOrphans(titleOf: (gatewayPid: number) => string): Promise<number[]> {
  const ended: number[] = [];
  for (const name of await readdir("/proc").catch(() => [] as string[])) {
    if (!/^\d+$/.test(name)) continue;
    const [command, stat] = await Promise.all(
      ["cmdline", "stat"].map((file) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => "")),
    );
    const gatewayPid = Number(/ by (\d+)/.exec(command ?? "")?.[1]);
    if (!gatewayPid || !command?.includes(titleOf(gatewayPid))) continue;
    const parent = Number(stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (parent === gatewayPid) continue;
    process.kill(Number(name), "SIGKILL");
    ended.push(Number(name));
  }
  return ended;
}
