import { describe, expect, it } from "vitest";
import { createRoleMeters } from "../../src/gateway/role-meters.ts";

function depot() {
  let t = 0;
  const meter = (id: string, role: "circuit" | "pv" | "battery" | "building") =>
    ({ id, role, auth: "any", modbus: undefined }) as const;
  const meters = [
    meter("grid", "circuit"),
    meter("roof", "pv"),
    meter("barn", "pv"),
    meter("storage", "battery"),
  ];
  const roles = createRoleMeters({ meters }, { monoMs: () => t });
  return {
    roles,
    wait: (ms: number) => {
      t += ms;
    },
    say: (station: string, body: object, evse = 0) =>
      roles.note({
        station,
        evse,
        kind: "meter",
        payload: Buffer.from(JSON.stringify({ ts: "2026-05-04T06:00:00Z", ...body })),
      }),
  };
}

describe("what production and storage do now", () => {
  it("production is positive, and known once every plant has said something", () => {
    const { roles, say } = depot();
    say("roof", { power_w: -5_000 });
    expect(roles.now()).toEqual({});
    say("barn", { power_w: -1_200.4 });
    expect(roles.now()).toEqual({ pv_w: 6_200 });
  });

  it("a reading of a minute ago says nothing of now", () => {
    const { roles, say, wait } = depot();
    say("storage", { power_w: 3_000, soc_pct: 61 });
    expect(roles.now()).toEqual({ battery_w: 3_000, battery_soc_pct: 61 });
    wait(60_001);
    expect(roles.now()).toEqual({});
  });

  it("what is no reading, and what other meters say, is not taken", () => {
    const { roles, say } = depot();
    say("grid", { power_w: 9 });
    say("storage", { power_w: 9 }, 1);
    expect(roles.now()).toEqual({});
    say("storage", { power_w: "much" });
    roles.note({ station: "roof", evse: 0, kind: "meter", payload: Buffer.from("{") });
    expect(roles.now()).toEqual({});
  });
});
