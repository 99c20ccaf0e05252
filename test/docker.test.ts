import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { uncommented } from "../docs/generate-config.ts";
import { init } from "../src/cli/init.ts";
import { type Config, loadConfig } from "../src/config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = (name: string) => readFileSync(join(root, name), "utf8");
const written = (name: string) =>
  text(name)
    .replaceAll(/\\\n/g, "")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

/** What follows each such instruction of the Dockerfile. */
const steps = (instruction: string) =>
  written("docker/Dockerfile")
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1));
const last = (instruction: string) => String(steps(instruction).at(-1));
const list = (step: string) => JSON.parse(step.slice(step.indexOf("["))) as string[];
const option = (command: string[], name: string) => String(command[command.indexOf(name) + 1]);

const copies = steps("COPY").map((step) => step.split(/\s+/));
const fromContext = copies
  .filter(([first]) => !first?.startsWith("--"))
  .flatMap((words) => words.slice(0, -1));
const fromBuild = copies.filter(([first]) => first === "--from=build").map(([, from, to]) => ({ from, to }));

const compose = parse(text("docker/compose.yaml"));
const { gateway, influxdb } = compose.services;
const mounts = (service: { volumes: string[] }) =>
  service.volumes.map((line) => {
    const [source = "", target = "", mode] = line.split(":");
    return { source, target, mode };
  });
const mounted = (source: string) => mounts(gateway).find((mount) => mount.source === source);

let dir: string;
let config: Config;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "laddport-docker-"));
  const silent = { write: () => true };
  expect(await init({ dir }, { stdout: silent, stderr: silent })).toBe(0);
  const file = join(dir, "laddport.yaml");
  const yaml = readFileSync(file, "utf8").replace(/^#influx:\n(?:# {2}.*\n)+/m, uncommented);
  writeFileSync(file, yaml);
  config = loadConfig(file, { env: {} });
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true }));

/** A file that the compose file expects in config/, where `init` wrote it here. */
const configured = (path: string) => join(dir, relative(join(root, "config"), resolve(root, "docker", path)));

describe("the Dockerfile", () => {
  it("copies what exists, and has nothing else in its context", () => {
    const [everything, ...rest] = written(".dockerignore");
    expect(everything).toBe("*");
    const allowed = rest.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    expect(allowed.sort()).toEqual([...fromContext].sort());
    expect(fromContext.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  it("takes from its first stage what is there", () => {
    const there = [...fromContext, "node_modules", "dist"].map((name) => `/build/${name}`);
    const known = (path = "") => there.some((one) => path === one || path.startsWith(`${one}/`));
    expect(fromBuild.filter(({ from }) => !known(from))).toEqual([]);
  });

  it("starts the shim, which lies beside the compiled command line", () => {
    const shim = fromBuild.find(({ from }) => from === "/build/src/laddport.js");
    const link = /ln -s (\S+) \/usr\/local\/bin\/(\w+)/.exec(last("RUN"));
    expect(link?.slice(1)).toEqual([join(last("WORKDIR"), String(shim?.to)), "laddport"]);
    expect(shim?.to).toBe("dist/laddport.js");
    expect(statSync(join(root, "src/laddport.js")).mode & 0o111).toBe(0o111);
    expect([list(last("ENTRYPOINT"))[0], list(last("HEALTHCHECK"))[0]]).toEqual(["laddport", "laddport"]);
  });

  it("runs as the owner of its volume, with the flows beside the data in it", () => {
    const [uid, gid] = last("USER").split(":");
    expect(last("RUN")).toContain(`install -d -o ${uid} -g ${gid} -m 0700 ${last("VOLUME")}`);
    const data = option(list(last("CMD")), "--data");
    expect(dirname(`${data}-flows`)).toBe(last("VOLUME"));
  });
});

describe("the compose file", () => {
  it("mounts where the image looks", () => {
    expect(mounted("data")?.target).toBe(last("VOLUME"));
    expect(mounted("../config")).toMatchObject({ mode: "ro" });
    for (const step of ["CMD", "HEALTHCHECK"]) {
      const file = option(list(last(step)), "--config");
      expect(existsSync(join(dir, relative(String(mounted("../config")?.target), file))), file).toBe(true);
    }
  });

  it("lets what listens on loopback be reached there", () => {
    const hosts = [config.mqtt.tcp, config.api.listen].map((at) => at?.host);
    expect(hosts).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect([gateway.network_mode, gateway.ports]).toEqual(["host", undefined]);
  });

  it("has what it mounts besides, declared and at hand", () => {
    for (const { source } of [...mounts(gateway), ...mounts(influxdb)]) {
      const there = source.startsWith("./")
        ? existsSync(join(root, "docker", source))
        : source === "../config" || source in compose.volumes;
      expect(there, source).toBe(true);
    }
  });

  it("sets up the InfluxDB that the config of init names, with the secrets that init wrote", () => {
    const { influx } = config;
    const env = influxdb.environment;
    expect(influx).toMatchObject({
      mode: "v2",
      org: env.DOCKER_INFLUXDB_INIT_ORG,
      bucket: env.DOCKER_INFLUXDB_INIT_BUCKET,
      tokenFile: configured(compose.secrets.influx_token.file),
    });
    expect(influxdb.ports).toContain(`${new URL(String(influx?.url)).host}:8086`);
    for (const { file } of Object.values<{ file: string }>(compose.secrets)) {
      expect(readFileSync(configured(file), "utf8"), file).toMatch(/^[0-9a-f]{32,}\n$/);
    }
  });

  it("makes the buckets of the aggregates", () => {
    const script = mounts(influxdb).find(({ target }) => target.startsWith("/docker-entrypoint-initdb.d/"));
    const file = join("docker", String(script?.source));
    expect(script?.target).toMatch(/\.sh$/);
    expect(statSync(join(root, file)).mode & 0o111).toBe(0o111);
    const made = /^for bucket in (.*);/m.exec(text(file))?.[1]?.split(" ");
    expect(made).toEqual(config.influx?.aggregates.map(({ into }) => into));
  });
});

it("keeps a config beside the sources out of the repository", () => {
  expect(text(".gitignore").split("\n")).toContain("/config/");
});
