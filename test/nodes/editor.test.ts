/** What someone at the editor is told beside their own flow's messages. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { fn, inject, login, PATIENCE_MS, type Rig, startRig, TAB } from "./rig.ts";

vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

const FLOW = [TAB, fn("warns", "node.warn('a warning of the flow'); return null;"), inject("press", "warns")];

interface Told {
  topic?: string;
  data?: { msg?: unknown };
}

let rig: Rig;
beforeAll(async () => {
  // German, because Node-RED words its own warnings in the language it runs in.
  rig = await startRig(FLOW, { language: "de" });
  await rig.reached("up");
});
afterAll(() => rig?.stop());

test("saving a flow puts nothing into the debug side bar; a warning of the flow does", async () => {
  const url = await rig.until("editor", () => rig.flows.editorUrl);
  const told: Told[] = [];
  const socket = new WebSocket(new URL("comms", url.replace(/^http/, "ws")));
  socket.on("message", (data) => told.push(...[JSON.parse(String(data))].flat()));
  await once(socket, "open");
  try {
    socket.send(JSON.stringify({ auth: await login(url) }));
    await rig.until("leave to listen", () => told.find((m) => "auth" in m));
    socket.send(JSON.stringify({ subscribe: "debug" }));
    const saved = await rig.admin("flows", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([...FLOW, inject("another", "warns")]),
    });
    expect(saved.status).toBe(204);
    const shown = () => told.filter((m) => m.topic === "debug").map((m) => String(m.data?.msg));
    await rig.until("the flow's warning", async () => {
      await rig.admin("inject/press", { method: "POST" });
      return shown().find((text) => text.includes("a warning of the flow"));
    });
    expect(shown().filter((text) => !text.includes("a warning of the flow"))).toEqual([]);
  } finally {
    socket.terminate();
  }
});
