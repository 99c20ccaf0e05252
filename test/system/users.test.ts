/** Users of a whole gateway: made by commands through its API, over TLS, and known after a restart. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import pino from "pino";
import { expect, it, onTestFinished } from "vitest";
import { status } from "../../src/cli/status.ts";
import { userAdd, userEditor, userList, userToken } from "../../src/cli/user.ts";
import { loadConfig } from "../../src/config.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { createGateway } from "../../src/main.ts";
import { factsOf } from "../faults/log-books.ts";
import { depot } from "./small-depot.ts";

const PASSWORD = "five cold blue spoons";

function io(piped = "") {
  const said = { out: "", err: "" };
  const to = (stream: "out" | "err") => ({
    write: (text: string) => {
      said[stream] += text;
    },
  });
  const stdin = new PassThrough();
  stdin.end(piped);
  return { stdout: to("out"), stderr: to("err"), stdin, said };
}

/** A certificate of its own, another each time. */
function withTls(configFile: string): void {
  const { keyPem, certPem } = issueCertificate({
    name: "depot",
    purpose: "server",
    hosts: ["depot.example"],
  });
  writeFileSync(join(configFile, "../secrets/api.key"), keyPem, { mode: 0o600 });
  writeFileSync(join(configFile, "../secrets/api.pem"), certPem);
  const text = readFileSync(configFile, "utf8");
  const tls = "api:\n  tls: {cert_file: secrets/api.pem, key_file: secrets/api.key}\n";
  if (!text.includes(tls)) writeFileSync(configFile, text.replace("api:\n", tls));
}

function gatewayOf(config: string, dataDir: string) {
  const codes: string[] = [];
  const gateway = createGateway({
    config: loadConfig(config, { env: { LADDPORT__FLOWS__ENABLED: "false" } }),
    dataDir,
    log: pino({ level: "silent" }),
    setupCode: (code) => codes.push(code),
  });
  onTestFinished(() => gateway.stop("test"));
  return { gateway, codes };
}

it("commands speak to the gateway over its own certificate alone; users outlive it", async () => {
  const { made } = await depot();
  withTls(made.config);
  const options = { config: made.config, data: made.data };
  const { gateway, codes } = gatewayOf(made.config, made.data);
  const { api } = await gateway.start();
  expect(api).toMatch(/^https:/);
  expect(codes).toHaveLength(1);

  expect(await userAdd({ ...options, name: "anna", role: "admin" }, io(`${PASSWORD}\n`))).toBe(0);
  const token = io();
  await userToken({ ...options, name: "wall", role: "kiosk" }, token);
  expect(token.said.out).toMatch(/^[\w-]{22}\n$/);
  const editor = io();
  await userEditor({ ...options, json: true }, editor);
  expect(JSON.parse(editor.said.out)).toMatchObject({ user: "api", expires_s: 120 });
  expect(await status({ config: made.config, quiet: true }, io())).toBe(0);
  const facts = (await factsOf(made.data, "audit.recorded")).map(
    ({ body }) => `${body.actor} ${body.action}`,
  );
  expect(facts.filter((line) => line.startsWith("api "))).toEqual([
    "api user.added",
    "api token.added",
    "api editor.code_issued",
  ]);

  // Another certificate where the gateway's should be: the token is not sent to whoever that is.
  withTls(made.config);
  const refused = io();
  expect(await status({ config: made.config }, refused)).toBe(1);
  expect(refused.said.err).toMatch(/no gateway answers at https:.*(certificate|self-signed)/);

  await gateway.stop("test");
  const again = gatewayOf(made.config, made.data);
  await again.gateway.start();
  expect(again.codes).toEqual([]);
  const listed = io();
  await userList({ ...options, json: true }, listed);
  expect(listed.said.out).toBe(
    '{"name":"anna","role":"admin","kind":"user"}\n{"name":"wall","role":"kiosk","kind":"token"}\n',
  );
});
