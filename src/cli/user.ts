/** `laddport user ...`: who may sign in, and the tokens of programs. */
import { loadConfig } from "../config.ts";
import { newSecret } from "../identity/credentials.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { readPassword } from "./password-input.ts";
import { apiCall, type UserDoor, userDoor } from "./user-door.ts";

export interface UserOptions {
  config: string;
  data: string;
  json?: boolean;
}

export interface PasswordOptions extends UserOptions {
  name: string;
  /** Makes the password and shows it, once. */
  generate?: boolean;
}

export type UserIo = CommandIo & { stdin: NodeJS.ReadableStream & { isTTY?: boolean } };

const configOf = (options: UserOptions) => loadConfig(options.config, { env: process.env });
const doorOf = (options: UserOptions): UserDoor => userDoor(configOf(options), options.data);

export async function userList(options: UserOptions, io: CommandIo): Promise<number> {
  const listed = await doorOf(options).list();
  if (options.json) io.stdout.write(listed.map((one) => `${JSON.stringify(one)}\n`).join(""));
  else
    io.stdout.write(`${table([["name", "role", "kind"], ...listed.map((u) => [u.name, u.role, u.kind])])}\n`);
  if (listed.length === 0) io.stderr.write("there is no user yet; laddport user add makes one\n");
  return EXIT.ok;
}

export async function userAdd(options: PasswordOptions & { role: string }, io: UserIo): Promise<number> {
  const { name, role } = options;
  const password = await passwordOf(options, io);
  await doorOf(options).addUser(name, role, password);
  return tell(options, io, { name, role, ...shown(options, password) }, `${name} added, role ${role}`);
}

export async function userPassword(options: PasswordOptions, io: UserIo): Promise<number> {
  const { name } = options;
  const password = await passwordOf(options, io);
  await doorOf(options).setPassword(name, password);
  const text = `the password of ${name} is changed, and where they were signed in they are no more`;
  return tell(options, io, { name, ...shown(options, password) }, text);
}

export async function userRole(
  options: UserOptions & { name: string; role: string },
  io: CommandIo,
): Promise<number> {
  const { name, role } = options;
  await doorOf(options).setRole(name, role);
  return tell(options, io, { name, role }, `${name} has the role ${role}`);
}

export async function userRemove(options: UserOptions & { name: string }, io: CommandIo): Promise<number> {
  const { name } = options;
  await doorOf(options).remove(name);
  return tell(options, io, { name }, `${name} removed`);
}

export async function userToken(
  options: UserOptions & { name: string; role: string },
  io: CommandIo,
): Promise<number> {
  const { name, role } = options;
  const token = await doorOf(options).addToken(name, role);
  return tell(options, io, { name, role, token }, `token ${name}, role ${role}; it is shown this once`);
}

/** A password for the flow editor, for whoever holds the token of this machine. */
export async function userEditor(options: UserOptions, io: CommandIo): Promise<number> {
  const made = await apiCall(configOf(options), options.data)("flows/editor-code", {
    method: "POST",
    body: {},
  });
  const { user, code, expires_s } = made as { user: string; code: string; expires_s: number };
  if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`);
  else {
    io.stderr.write(
      `Sign in at the editor as ${user} with this password, good once and for ${expires_s} s:\n`,
    );
    io.stdout.write(`${code}\n`);
  }
  return EXIT.ok;
}

const passwordOf = (options: PasswordOptions, io: UserIo): Promise<string> =>
  options.generate ? Promise.resolve(newSecret()) : readPassword(io);

const shown = (options: PasswordOptions, password: string) => (options.generate ? { password } : {});

/** What was made goes to stdout alone, so that it can be piped to where it is kept. */
function tell(
  options: UserOptions,
  io: CommandIo,
  made: { name: string; role?: string; password?: string; token?: string },
  text: string,
): number {
  if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`);
  else {
    io.stderr.write(`${text}\n`);
    const secret = made.password ?? made.token;
    if (secret !== undefined) io.stdout.write(`${secret}\n`);
  }
  return EXIT.ok;
}
