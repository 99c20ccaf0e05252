import Fastify from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { RequestError } from "../../src/web/api.ts";
import { type KeyRequest, registerMeterKeys } from "../../src/web/meter-keys.ts";

function door() {
  const taken: KeyRequest[] = [];
  const server = Fastify();
  server.decorateRequest("user", { getter: () => ({ name: "api", role: "admin" as const }) });
  onTestFinished(() => server.close());
  server.setErrorHandler((error, _request, reply) =>
    error instanceof RequestError ? reply.code(error.statusCode).send(error.answer) : reply.code(500).send(),
  );
  const accept = async (request: KeyRequest) => {
    taken.push(request);
    return { accepted: request };
  };
  registerMeterKeys(server, { list: async () => ({ accepted: [], waiting: [] }), accept });
  const post = async (payload: object) => {
    const { statusCode, body } = await server.inject({ method: "POST", url: "/api/v1/meter-keys", payload });
    const { code, message } = JSON.parse(body) as { code?: string; message?: string };
    return { statusCode, code, message };
  };
  return { post, taken };
}

const GOOD = { meter_serial: " M-1 ", by: "anna", reason: "meter exchanged" };

describe("POST /api/v1/meter-keys", () => {
  it("takes a serial with or without a key", async () => {
    const { post, taken } = door();
    await post(GOOD);
    await post({ ...GOOD, public_key: "3059" });
    expect(taken).toEqual([
      { ...GOOD, meter_serial: "M-1" },
      { ...GOOD, meter_serial: "M-1", public_key: "3059" },
    ]);
  });

  it("names the field that is wrong, what it saw, and what to send", async () => {
    const { post, taken } = door();
    const message = async (payload: object) => (await post(payload)).message;
    expect(await message({ ...GOOD, meter_serial: undefined })).toBe("meter_serial is missing.");
    expect(await message({ ...GOOD, public_key: 7 })).toBe("public_key is 7.");
    expect(await message({ ...GOOD, by: "an na" })).toBe('by is "an na".');
    expect(await message({ ...GOOD, reason: "no" })).toBe('reason is "no".');
    expect(await message([])).toBe("by is missing.");
    expect(await post({ ...GOOD, by: "" })).toMatchObject({ statusCode: 400, code: "BAD_BODY" });
    expect(taken).toEqual([]);
  });
});
