import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differencesOf } from "../../src/rules/differences.ts";

describe("differences", () => {
  it("none between a value and its JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const stored = JSON.parse(JSON.stringify(value));
        expect(differencesOf(stored, value)).toEqual([]);
      }),
    );
  });

  it("names the path of what differs, is missing or is too much", () => {
    const stored = { a: "1", list: [{ x: 1 }, 2], gone: null };
    const computed = { list: [{ x: 2 }], a: "1", gone: undefined, more: { y: [] } };
    expect(differencesOf(stored, computed)).toEqual([
      { path: "list[0].x", stored: "1", computed: "2" },
      { path: "list[1]", stored: "2", computed: null },
      { path: "gone", stored: "null", computed: null },
      { path: "more", stored: null, computed: '{"y":[]}' },
    ]);
  });

  it("order of fields and an undefined one are no differences", () => {
    expect(differencesOf({ a: 1, b: 2 }, { b: 2, a: 1, c: undefined })).toEqual([]);
  });
});
