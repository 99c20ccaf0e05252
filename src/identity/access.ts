/** Who may do what at the API, the pages and the flow editor. Nobody may what is not written here. */

/** Roles of people. A token may also be a `kiosk`: a display on a wall, where everybody sees it. */
export const USER_ROLES = ["viewer", "operator", "billing", "privacy", "admin"] as const;
export const TOKEN_ROLES = [...USER_ROLES, "kiosk"] as const;
export type UserRole = (typeof USER_ROLES)[number];
export type AccessRole = (typeof TOKEN_ROLES)[number];

/**
 * `glance`: how stations and the site are, and nothing that leads to a person. `read`: all that names no person.
 * `read-personal`: pseudonyms too, and each reading is audited. `command`: stations, departures and flows. `bill`: prices and what
 * changes a bill. `privacy`: subjects, erasure, holds of the law. `admin`: users, keys, the gateway itself.
 */
export const PERMISSIONS = [
  "glance",
  "read",
  "read-personal",
  "command",
  "bill",
  "privacy",
  "admin",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const GRANTS: Readonly<Record<AccessRole, ReadonlySet<Permission>>> = {
  kiosk: new Set(["glance"]),
  viewer: new Set(["glance", "read"]),
  operator: new Set(["glance", "read", "command"]),
  billing: new Set(["glance", "read", "read-personal", "bill"]),
  privacy: new Set(["glance", "read", "read-personal", "privacy"]),
  admin: new Set(["glance", "read", "read-personal", "command", "bill", "privacy", "admin"]),
};

export function may(role: AccessRole, permission: Permission): boolean {
  return Object.hasOwn(GRANTS, role) && GRANTS[role].has(permission);
}

/** Who is at the other end of a request. */
export interface Caller {
  name: string;
  role: AccessRole;
  /** Whose hand it was, as a command of this machine says. */
  osUser?: string;
}

/** Who did it, whatever their role. */
export type Actor = Pick<Caller, "name" | "osUser">;
