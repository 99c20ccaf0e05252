/** No secret of the gateway is where other processes look: command lines, environments, its own output. */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { demoDepot, GatewayProcess, laddport, removeDepot } from "../faults/gateway-process.ts";
import { until } from "../faults/running-gateway.ts";

const proc = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, "latin1");

/** Itself, its children, theirs. */
function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    proc(pid, `task/${thread}/children`).split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

/** Each line of each file that a stranger could use: the lines of keys, passwords, tokens, hashes. */
function secretsIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => !name.endsWith(".pem"))
    .flatMap((name) => readFileSync(join(dir, name), "utf8").split("\n"))
    .flatMap((line) => [line, ...line.split(":")])
    .map((text) => text.trim())
    .filter((text) => text.length >= 16 && !/^-----|^#/.test(text));
}

it.runIf(process.platform === "linux")(
  "command lines, environments and output of the gateway and its flows hold none of its secrets",
  async () => {
    const depot = await demoDepot({ stations: 6 });
    onTestFinished(() => removeDepot(depot));
    const token = await laddport([
      ...["user", "token", "script", "--role", "viewer"],
      ...["--config", depot.config, "--data", depot.data],
    ]);
    const secrets = [
      ...secretsIn(join(dirname(depot.config), "secrets")),
      ...depot.passwords.values(),
      token.trim(),
    ];
    expect(secrets.length).toBeGreaterThan(30);
    // As an administrator may have made it.
    mkdirSync(depot.data, { recursive: true });
    chmodSync(depot.data, 0o755);
    const marker = randomUUID();
    const gateway = GatewayProcess.of(depot, { LADDPORT__FLOWS__ENABLED: "true", MARKER: marker });
    onTestFinished(() => gateway.kill());
    await gateway.start();
    await until("the flows", () => /"state":"up"/.test(gateway.output));
    const family = familyOf(gateway.pid);
    expect(family.length).toBeGreaterThan(1);
    const places = family.flatMap((pid) => [proc(pid, "cmdline"), proc(pid, "environ")]);
    // The eye that sees no secret does see what is there.
    expect(places.join().includes(marker)).toBe(true);
    expect(places.join().includes("laddport-flows")).toBe(true);
    const open = readdirSync(depot.data).filter((name) => statSync(join(depot.data, name)).mode & 0o077);
    expect(open).toEqual([]);
    const seen = [...places, gateway.output];
    expect(secrets.filter((secret) => seen.some((text) => text.includes(secret)))).toEqual([]);
  },
);
