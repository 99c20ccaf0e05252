/** Commands find the gateway that has the data directory, wherever its API is, and say where they looked for one. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { departuresList, departuresSet, vehiclesList } from "../../src/cli/departures.ts";
import { gridList, gridOrder } from "../../src/cli/grid.ts";
import type { CommandIo } from "../../src/cli/output.ts";
import { plan } from "../../src/cli/plan.ts";
import { readiness } from "../../src/cli/readiness.ts";
import { why } from "../../src/cli/why.ts";
import { depot, started } from "./small-depot.ts";

function io() {
  const said = { out: "", err: "" };
  const into = (what: "out" | "err") => ({
    write(text: string) {
      said[what] += text;
    },
  });
  return { said, stdout: into("out"), stderr: into("err") };
}

it("departures, vehicles, plan, readiness, grid and why find an API on any port, and name where they looked", async () => {
  const { dir, made } = await depot("vehicles:\n  - {id: bus-7}\n");
  const written = parse(readFileSync(made.config, "utf8"));
  written.api.listen = "127.0.0.1:0";
  writeFileSync(made.config, stringify(written));
  const gateway = started(made.config, made.data);
  await gateway.start();
  onTestFinished(() => gateway.stop("test"));
  const here = { config: made.config, data: made.data };
  const zone = written.site.timezone;
  const run = async (command: (out: CommandIo) => Promise<number>) => {
    const { said, ...out } = io();
    const code = await command(out).catch((error: Error) => {
      said.err += String(error);
      return -1;
    });
    return { code, ...said };
  };
  const commands: [string, (where: typeof here, out: CommandIo) => Promise<number>][] = [
    ["departures", departuresList],
    ["vehicles", vehiclesList],
    ["plan", plan],
    ["readiness", readiness],
    ["grid", gridList],
  ];
  for (const [name, command] of commands)
    expect([name, (await run((out) => command(here, out))).code]).toEqual([name, 0]);
  expect((await run((out) => why({ ...here, what: "bus-7" }, out))).err).toContain(
    "The depot knows bus-7, but the log, as far as it is kept, has not seen it plugged in by then.",
  );

  const set = (options: object) =>
    run((out) => departuresSet({ ...here, at: "2026-12-03 06:30", ...options } as never, out));
  const soon = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const known = await set({ vehicle: "bus-7", at: `${soon} 06:30`, energyKwh: "120" });
  expect(known.out).toMatch(
    /^bus-7 leaves [A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} 06:30 \(.+\), wants 120\.0 kWh\n$/,
  );
  expect(known.out).toContain(`(${zone})`);
  expect(known.err).toBe("");
  const strange = await set({ vehicle: "bus-99", at: `${soon} 06:30` });
  expect([strange.code, strange.err]).toEqual([
    0,
    "warning: neither the config nor the token list has bus-99: it counts once a token of it plugs in\n",
  ]);

  const order = (options: object) =>
    run((out) => gridOrder({ ...here, kind: "cap", kw: "40", ...options } as never, out));
  expect((await order({ id: "o1", until: `${soon} 06:00` })).out).toMatch(
    new RegExp(`^o1: cap on site, 40 kW, until ${soon} 06:00:00 `),
  );
  // The next one after the start.
  expect((await order({ id: "o2", from: `${soon} 19:00`, until: "18:30" })).code).toBe(0);
  expect((await run((out) => gridList({ ...here, json: true }, out))).out).toContain('"id":"o2"');
  const roof = await order({ circuit: "roof" });
  expect(roof.err).toMatch(/^LP803 --circuit roof is no circuit\. There are: site/);
  expect((await order({ until: "noon" })).err).toContain("--until noon is no time. Give 18:30 or");

  await gateway.stop("test");
  for (const [name, command] of commands)
    expect([name, (await run((out) => command(here, out))).err]).toEqual([
      name,
      expect.stringMatching(
        /LP806 no gateway answers at http:\/\/127\.0\.0\.1:\d+: .*Start it: laddport run/,
      ),
    ]);
  const nowhere = { ...here, data: join(dir, "none") };
  expect((await run((out) => why({ ...nowhere, what: "bus-7" }, out))).err).toMatch(
    /^LP806 no gateway answers at http:\/\/127\.0\.0\.1:0, and there is no log in .*none\. Start it: laddport run/,
  );
});
