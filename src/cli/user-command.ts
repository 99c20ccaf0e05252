/** `laddport user`: the commands as they are spelt. */
import { Command, Option } from "commander";
import { TOKEN_ROLES, USER_ROLES } from "../identity/access.ts";
import type { CommandIo } from "./output.ts";
import type { UserIo, UserOptions } from "./user.ts";

type User = typeof import("./user.ts");
type Work = (
  user: User,
  options: UserOptions & { role: string; generate?: boolean },
  name: string,
) => Promise<number>;

export function userCommand(out: CommandIo): Command {
  const io: UserIo = { ...out, stdin: process.stdin };
  const user = new Command("user").description("who may sign in, and the tokens of programs");
  const role = (roles: readonly string[]) =>
    new Option("--role <role>", "what they may").choices(roles).makeOptionMandatory();
  const generate = () => new Option("--generate", "make the password and show it once");

  function add(spelling: string, description: string, work: Work, ...options: Option[]): void {
    const command = user.command(spelling).description(description);
    for (const option of options) command.addOption(option);
    command
      .option("--config <file>", "the config", "laddport.yaml")
      .option("--data <dir>", "the data directory", "data")
      .option("--json", "machine-readable output")
      .action(async (...given: unknown[]) => {
        const [name] = command.args;
        const loaded = await import("./user.ts");
        process.exitCode = await work(loaded, given.at(-2) as Parameters<Work>[1], name ?? "");
      });
  }

  add("list", "users and tokens with their roles", (u, options) => u.userList(options, io));
  add(
    "add <name>",
    "a new user; the password is asked for, or read from a pipe",
    (u, options, name) => u.userAdd({ ...options, name }, io),
    role(USER_ROLES),
    generate(),
  );
  add(
    "password <name>",
    "another password; ends where they are signed in",
    (u, options, name) => u.userPassword({ ...options, name }, io),
    generate(),
  );
  add(
    "role <name>",
    "another role; ends where they are signed in",
    (u, options, name) => u.userRole({ ...options, name }, io),
    role(USER_ROLES),
  );
  add("remove <name>", "a user or a token", (u, options, name) => u.userRemove({ ...options, name }, io));
  add(
    "token <name>",
    "a bearer token for a program, shown once",
    (u, options, name) => u.userToken({ ...options, name }, io),
    role(TOKEN_ROLES),
  );
  add("editor", "a password for the flow editor, good once", (u, options) => u.userEditor(options, io));
  return user;
}
