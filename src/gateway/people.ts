/** The people of this gateway, and the alert for whoever guesses their passwords. */
import { join } from "node:path";
import { People } from "../identity/people.ts";
import { UserStore } from "../identity/user-store.ts";
import type { AlertBoard } from "../model/alert-board.ts";

/** Beside the log: only the gateway's own user reads it, and a read-only folder of secrets is no hindrance. */
export const accessDir = (dataDir: string): string => join(dataDir, "access");

/** @throws CredentialsError when a file of users was edited into something else. */
export function openPeople(dataDir: string, alerts: AlertBoard): People {
  return new People({
    store: new UserStore(accessDir(dataDir)),
    braked: (user, address) => alertOfGuessing(alerts, user, address),
  });
}

/** `subject` undefined: a name that nobody has may be anything, a password in the wrong field too: it is not told. */
export function alertOfGuessing(alerts: AlertBoard, subject = "unknown", address: string): void {
  const cause = `too many failed logins; refused unheard for a minute, last from ${address}`;
  alerts.raise({ id: `login_braked:${subject}`, kind: "login_braked", severity: "warning", subject, cause });
}
