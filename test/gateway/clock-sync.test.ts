import { describe, expect, it } from "vitest";
import { askClock, type ClockSources, ClockWatch } from "../../src/gateway/clock-sync.ts";

/** What the commands of a host print; a missing one is not installed. */
function host(outputs: Record<string, string>, flag = false): ClockSources {
  return {
    run: async (command) => {
      const output = outputs[command];
      if (output === undefined) throw new Error(`spawn ${command} ENOENT`);
      return output;
    },
    exists: async () => flag,
  };
}

/** chronyc(1), `-c tracking`: comma-separated, the leap status last. */
const chrony = (leap: string) =>
  `C0A80101,192.168.1.1,3,1774000000.1,0.00001,0.00002,0.00003,1.2,0.0,0.1,0.01,0.02,64.5,${leap}\n`;

describe("asking the host about its clock", () => {
  it.each<[string, ClockSources, boolean | null]>([
    ["timedatectl says yes", host({ timedatectl: "yes\n" }), true],
    ["timedatectl says no", host({ timedatectl: "no\n", chronyc: chrony("Normal") }, true), false],
    [
      "timedatectl says nothing: chronyc is asked",
      host({ timedatectl: "\n", chronyc: chrony("Normal") }),
      true,
    ],
    ["chronyc has no source", host({ chronyc: chrony("Not synchronised") }), false],
    ["chronyc inserts a leap second", host({ chronyc: chrony("Insert second") }), true],
    ["only the flag of systemd-timesyncd is there", host({}, true), true],
    ["nothing is there", host({}), null],
    ["chronyc prints nothing", host({ chronyc: "" }), null],
  ])("%s", async (_, sources, expected) => {
    expect(await askClock(sources)).toBe(expected);
  });

  it("answers on this host, whatever it has", async () => {
    expect([true, false, null]).toContain(await askClock());
  });
});

describe("the state that the ledger thread reads", () => {
  const word = (watch: ClockWatch) => Atomics.load(new Int32Array(watch.state), 0);

  it("follows the answer, and is unknown before it", async () => {
    const watch = new ClockWatch("ntp", async () => false);
    expect(word(watch)).toBe(0);
    await watch.start();
    watch.stop();
    expect(word(watch)).toBe(2);
  });

  it("a trusted clock is synchronised without being asked about", async () => {
    let asked = 0;
    const watch = new ClockWatch("trusted", async () => {
      asked += 1;
      return null;
    });
    await watch.start();
    watch.stop();
    expect([word(watch), asked]).toEqual([1, 0]);
  });
});
