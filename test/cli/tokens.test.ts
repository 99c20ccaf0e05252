import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { init } from "../../src/cli/init.ts";
import { tokensImport } from "../../src/cli/tokens.ts";
import { scratchDir } from "../log/sample-events.ts";

const silent = { write: () => true };

it("imports a list, and says when tokens.file will replace it at the next start", async () => {
  const dir = join(scratchDir(), "depot");
  await init({ dir }, { stdout: silent, stderr: silent });
  const config = join(dir, "laddport.yaml");
  const data = join(dir, "data");
  mkdirSync(data, { recursive: true });
  const file = join(dir, "list.csv");
  writeFileSync(file, "uid,type,status,valid_until\n04AABBCCDD1122,rfid,accepted,\n", { mode: 0o600 });
  const said = async () => {
    let stderr = "";
    const code = await tokensImport(
      { file, config, data },
      { stdout: silent, stderr: { write: (text) => (stderr += text) } },
    );
    return { code, stderr };
  };
  const alone = await said();
  expect(alone).toMatchObject({ code: 0, stderr: expect.stringMatching(/^1 tokens are known now/) });
  expect(alone.stderr).not.toContain("next start");
  writeFileSync(
    config,
    readFileSync(config, "utf8").replace(/policy: free/, "policy: known\n  file: list.csv"),
  );
  expect((await said()).stderr).toMatch(/At its next start the gateway reads .*list\.csv instead/);
});
