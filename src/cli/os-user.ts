/** For whom of this machine's users a command acts. */
import { userInfo } from "node:os";

export const osUser = (): string => userInfo().username;

/** As the audit trail names who acts on a stopped gateway's files, such as `cli:anna`. */
export function cliActor(): string {
  return `cli:${osUser()}`.slice(0, 64);
}
