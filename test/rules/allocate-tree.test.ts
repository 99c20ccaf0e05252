import { describe, expect, test } from "vitest";
import { buildTree, lineMask, TreeError, treeFaults } from "../../src/rules/allocate-tree.ts";
import { circuit, evseSpec } from "./allocation-cases.ts";

describe("the tree", () => {
  test("comes in preorder, whatever the order of the list", () => {
    const tree = buildTree([
      circuit("row-b", "site", 20),
      circuit("a1", "row-a", 10),
      circuit("site", null, 63),
      circuit("row-a", "site", 20),
      circuit("other", null, 16),
    ]);
    expect(tree.circuits.map((c) => c.id)).toEqual(["site", "row-b", "row-a", "a1", "other"]);
    expect([...tree.parent]).toEqual([-1, 0, 0, 2, -1]);
    expect([...tree.end]).toEqual([4, 2, 4, 4, 5]);
    expect([...tree.limitA.slice(3, 6)]).toEqual([20, 20, 20]);
  });

  test.each([
    ["a cycle", [circuit("a", "b", 1), circuit("b", "a", 1)], "circuits[0].parent", "a -> b -> a"],
    ["its own parent", [circuit("a", "a", 1)], "circuits[0].parent", "a -> a"],
    ["an unknown parent", [circuit("a", "nowhere", 1)], "circuits[0].parent", 'no circuit "nowhere"'],
    ["no limit", [circuit("a", null, [1, Number.NaN, 1])], "circuits[0].limitA[1]", "NaN is no limit"],
    ["a negative limit", [circuit("a", null, [1, 1, -3])], "circuits[0].limitA[2]", "-3 is no limit"],
    ["an id used twice", [circuit("a", null, 1), circuit("a", null, 1)], "circuits[1].id", "used twice"],
  ])("%s is refused with its path", (_, circuits, path, words) => {
    expect(() => buildTree(circuits)).toThrow(TreeError);
    expect(treeFaults(circuits, [])).toContainEqual({ path, message: expect.stringContaining(words) });
  });

  test("a circuit below a cycle is not blamed for it", () => {
    const faults = treeFaults([circuit("a", "b", 1), circuit("b", "a", 1), circuit("c", "a", 1)], []);
    expect(faults.map((f) => f.path)).toEqual(["circuits[0].parent", "circuits[1].parent"]);
  });

  test("EVSEs that do not fit are named", () => {
    const faults = treeFaults(
      [circuit("site", null, 40)],
      [
        evseSpec("cp-1", { circuit: "attic" }),
        evseSpec("cp-2", { minA: 40 }),
        evseSpec("cp-3", { fallbackA: 99 }),
        evseSpec("cp-3", { weight: 0 }),
      ],
    );
    expect(faults.map((f) => f.path)).toEqual([
      "evses[0].circuit",
      "evses[1].minA",
      "evses[2].fallbackA",
      "evses[3]",
      "evses[3].weight",
    ]);
  });

  test("lines of an EVSE as bits", () => {
    expect(lineMask("L1L2L3", 3)).toBe(7);
    expect(lineMask("L2L3L1", 1)).toBe(2);
    expect(lineMask("L3L1L2", 2)).toBe(5);
  });
});
