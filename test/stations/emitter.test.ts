import { expect, test } from "vitest";
import { Emitter } from "../../src/stations/emitter.ts";

test("a message reaches every filter that selects it, and the one that never takes it holds nobody up", () => {
  const emitter = new Emitter();
  const got: string[] = [];
  emitter.on("a/#", () => {});
  emitter.on("a/+", (message, done) => {
    got.push(message.topic);
    done();
  });
  for (let i = 0; i < 1000; i++) emitter.emit({ topic: `a/${i}` });
  emitter.emit({ topic: "b" });
  expect(got).toEqual(Array.from({ length: 1000 }, (_, i) => `a/${i}`));
  expect(emitter.emitted).toBe(1001);
});

test("removing a listener is finished when it returns", async () => {
  const emitter = new Emitter();
  let calls = 0;
  const listener = () => {
    calls += 1;
  };
  emitter.on("a", listener);
  let isDone = false;
  emitter.removeListener("a", listener, () => {
    isDone = true;
  });
  expect(isDone).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  emitter.emit({ topic: "a" });
  expect(calls).toBe(0);
});
