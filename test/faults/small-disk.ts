/** A small disk of its own for a data directory, so that a test can fill it. */
import { execFileSync } from "node:child_process";
import { onTestFinished, type TestContext } from "vitest";

/** Skips the test where mounting takes rights which we do not have; in CI that fails it. */
export function mountSmallDisk(dir: string, sizeMb: number, context: TestContext): void {
  try {
    const options = `size=${sizeMb}m,mode=0700`;
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", dir], { stdio: "pipe" });
  } catch (cause) {
    if (process.env.CI) throw new Error("no tmpfs could be mounted, and CI must prove this", { cause });
    console.warn(`SKIPPED: mounting a tmpfs needs root (${(cause as Error).message.trim()}).`);
    context.skip("no right to mount a tmpfs");
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", dir]));
}
