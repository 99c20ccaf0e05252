/**
 * Where fault tests make the ledger thread fail: `{"at":"before-commit","how":"throw"}` in a file that the test owns.
 * Each order works once. With no file (every depot) this costs one comparison.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";

type How = "throw" | "exit" | "hang" | "memory";

export function faultPoint(file: string | undefined): (at: string) => void {
  if (!file) return () => undefined;
  return (at) => {
    if (!existsSync(file)) return;
    const order = JSON.parse(readFileSync(file, "utf8")) as { at: string; how: How };
    if (order.at !== at) return;
    rmSync(file);
    break_(order.how);
  };
}

function break_(how: How): void {
  if (how === "throw") throw new Error("fault test: throw");
  if (how === "exit") process.exit(3);
  if (how === "hang") for (;;);
  const held: unknown[] = [];
  for (;;) held.push(new Array(1e6).fill(held.length));
}
