import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { init } from "../../src/cli/init.ts";
import { circuits, evseSpecs, loadConfig } from "../../src/config.ts";
import { readCredentials } from "../../src/identity/credential-files.ts";
import { parseCredentials } from "../../src/identity/credentials.ts";
import { PasswordVerifier } from "../../src/identity/password-verifier.ts";
import { readKek } from "../../src/identity/vault.ts";

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "laddport-init-"));
});
afterAll(() => rmSync(root, { recursive: true }));

async function run(options: Parameters<typeof init>[0]) {
  let [stdout, stderr] = ["", ""];
  const code = await init(options, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

describe("init --demo --ports auto --json", () => {
  let made: Record<string, string>;
  let dir: string;

  beforeAll(async () => {
    dir = join(root, "demo");
    const { code, stdout, stderr } = await run({ dir, demo: true, ports: "auto", json: true });
    expect([code, stderr]).toEqual([0, ""]);
    made = JSON.parse(stdout);
  }, 60_000);

  it("prints where everything is, and the config has no fault", () => {
    expect(Object.keys(made)).toEqual(["config", "data", "mqtt_url", "api_url", "site", "credentials_file"]);
    const warnings: unknown[] = [];
    const config = loadConfig(String(made.config), { env: {}, warn: (f) => warnings.push(f) });
    expect(warnings).toEqual([]);
    expect(made.mqtt_url).toBe(`mqtt://127.0.0.1:${config.mqtt.tcp?.port}`);
    expect(made.api_url).toBe(`http://127.0.0.1:${config.api.listen.port}`);
    expect(made.site).toBe(config.site.id);
    expect(config.tokens.policy).toBe("free");
    expect(config.tariffs[0]?.currency).toBe("SEK");
    expect(statSync(String(made.data)).mode & 0o777).toBe(0o700);
  });

  it("has cp-001 to cp-500 in a tree of three levels", () => {
    const config = loadConfig(String(made.config), { env: {} });
    expect(config.stations.map((s) => s.id)).toEqual(
      Array.from({ length: 500 }, (_, i) => `cp-${String(i + 1).padStart(3, "0")}`),
    );
    const parents = new Map(circuits(config).map((c) => [c.id, c.parent]));
    for (const { circuit } of evseSpecs(config)) {
      const hall = parents.get(circuit);
      expect(parents.get(String(hall))).toBe("site");
    }
  });

  it("gives each station a password of its own that logs it in", async () => {
    const [head, ...lines] = readFileSync(String(made.credentials_file), "utf8").trimEnd().split("\n");
    expect(head).toBe("station,username,password");
    expect(lines).toHaveLength(500);
    expect(new Set(lines.map((line) => line.split(",")[2])).size).toBe(500);
    const verifier = new PasswordVerifier(
      parseCredentials(readFileSync(join(dir, "secrets/credentials"), "utf8")),
    );
    for (const line of [lines[0], lines[499]]) {
      const [station, user = "", password = ""] = String(line).split(",");
      expect(await verifier.verify(user, Buffer.from(password), "a")).toEqual({
        name: station,
        role: "station",
      });
      expect(await verifier.verify(user, Buffer.from(`${password}x`), "a")).toBeUndefined();
    }
    const flows = readFileSync(join(dir, "secrets/flows-password"), "utf8").trim();
    expect(await verifier.verify("flows", Buffer.from(flows), "a")).toEqual({ name: "flows", role: "flows" });
  });

  it("keeps secrets closed, in the forms that their readers want", async () => {
    for (const name of [...readdirSync(join(dir, "secrets")).map((n) => `secrets/${n}`), "credentials.csv"]) {
      expect(statSync(join(dir, name)).mode & 0o777, name).toBe(0o600);
    }
    expect(statSync(join(dir, "secrets")).mode & 0o777).toBe(0o700);
    expect(readKek(join(dir, "secrets/kek"))).toHaveLength(32);
    await readCredentials(join(dir, "secrets/gateway.key"), join(dir, "secrets/gateway.pem"));
    expect(readFileSync(join(dir, "secrets/flows-admin-hash"), "utf8")).toMatch(
      /^scrypt\$\d+\$8\$1\$\S+\$\S+\n$/,
    );
  });

  it("took ports that are free", async () => {
    const ports = [made.mqtt_url, made.api_url].map((url) => Number(new URL(String(url)).port));
    expect(new Set(ports).size).toBe(2);
    for (const port of ports) {
      const server = createServer();
      await new Promise<void>((settle, reject) =>
        server.once("error", reject).listen(port, "127.0.0.1", settle),
      );
      await new Promise((settle) => server.close(settle));
    }
  });

  it("refuses to run again, and touches nothing", async () => {
    const before = readFileSync(String(made.config), "utf8");
    const again = await run({ dir, demo: true, ports: "auto", json: true });
    expect([again.code, again.stdout]).toEqual([1, ""]);
    expect(again.stderr).toContain(`LP801 ${dir} already has laddport.yaml`);
    expect(readFileSync(String(made.config), "utf8")).toBe(before);
  });
});

describe("init", () => {
  it("writes a starter config without faults, its secrets unlike those of another", async () => {
    const [a, b] = [join(root, "a"), join(root, "b")];
    const { code, stdout, stderr } = await run({ dir: a });
    expect([code, stdout]).toEqual([0, `${join(a, "laddport.yaml")}\n`]);
    expect(stderr).toContain("laddport check --config");
    expect(stderr).toContain(`Move ${join(a, "escrow.key")} to a medium that is kept offline`);
    const escrow = new X509Certificate(readFileSync(join(a, "secrets/escrow.pem")));
    expect(escrow.checkPrivateKey(createPrivateKey(readFileSync(join(a, "escrow.key"))))).toBe(true);
    expect(statSync(join(a, "escrow.key")).mode & 0o777).toBe(0o600);
    await run({ dir: b });
    const warnings: unknown[] = [];
    const config = loadConfig(join(a, "laddport.yaml"), { env: {}, warn: (f) => warnings.push(f) });
    expect(warnings).toMatchObject([{ code: "LP325", severity: "warning" }]);
    expect(config.mqtt.tcp?.host).toBe("127.0.0.1");
    for (const name of readdirSync(join(a, "secrets"))) {
      const [mine, other] = [a, b].map((dir) => readFileSync(join(dir, "secrets", name), "utf8"));
      expect(mine === other, name).toBe(false);
    }
  });

  it("what it shows of planning, limits, meters and the grid side is a config without faults once uncommented", async () => {
    const dir = join(root, "planning");
    await run({ dir });
    const file = join(dir, "laddport.yaml");
    const shown = new Set([
      "price_series",
      "demand_charge",
      "dimming",
      "inputs",
      "meters",
      "classes",
      "vehicles",
      "limit_kw",
      "unbalance_a",
      "worst_other_a",
      "meter",
    ]);
    let section = "";
    const lines = readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, indent = "", key = ""] = /^#( *)(\w+|-)/.exec(line) ?? [];
        if (!line.startsWith("#") || indent === " ") return [line];
        if (key !== "-") section = key;
        return shown.has(section) ? [line.slice(1)] : [line];
      });
    writeFileSync(file, lines.join("\n"));
    const warnings: unknown[] = [];
    const config = loadConfig(file, { env: {}, warn: (f) => warnings.push(f) });
    expect(warnings).toMatchObject([{ code: "LP325" }]);
    expect(config.circuits[0]).toMatchObject({ id: "main", limitKw: 40, unbalanceA: 20, meter: "grid-1" });
    expect(config.meters[0]?.modbus?.map).toBe("carlo-gavazzi-em300");
    expect(config.vehicles.map(({ id, class: kind }) => [id, kind])).toEqual([
      ["bus-14", "bus"],
      ["van-03", "pool"],
    ]);
    expect(config.grid).toMatchObject({ priceSeries: "spot-se3", inputs: [{ input: "ripple" }] });
  });

  it("leaves an unfinished folder alone, and says which option it does not understand", async () => {
    const { code, stderr } = await run({ dir: join(root, "c"), ports: "many" });
    expect([code, stderr.slice(0, 5)]).toEqual([2, "LP803"]);
    const blocked = await run({ dir: "/dev/null/x" });
    expect([blocked.code, blocked.stderr.slice(0, 5)]).toEqual([1, "LP802"]);
  });
});
