import { expect, it } from "vitest";
import { type AccessRole, may, PERMISSIONS, TOKEN_ROLES } from "../../src/identity/access.ts";

it.each<[AccessRole, string]>([
  ["kiosk", "glance"],
  ["viewer", "glance read"],
  ["operator", "glance read command"],
  ["billing", "glance read read-personal bill"],
  ["privacy", "glance read read-personal privacy"],
  ["admin", "glance read read-personal command bill privacy admin"],
])("%s may %s and nothing else", (role, granted) => {
  expect(PERMISSIONS.filter((permission) => may(role, permission)).join(" ")).toBe(granted);
});

it("grants nothing to a role that is in no table", () => {
  for (const role of ["", "root", "__proto__", "constructor"])
    expect(PERMISSIONS.some((permission) => may(role as AccessRole, permission))).toBe(false);
  expect(TOKEN_ROLES).toHaveLength(6);
});
