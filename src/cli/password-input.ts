/** A password from a person at the terminal, who types it twice and unseen, or from a pipe: never from the arguments. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { LaddportError } from "../errors.ts";

export interface PasswordSource {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stderr: { write(text: string): unknown };
}

/** @throws LaddportError LP803 when there is none, or the two differ. */
export async function readPassword(source: PasswordSource): Promise<string> {
  if (!source.stdin.isTTY) return firstLine(source.stdin);
  const first = await askUnseen("Password: ", source);
  if ((await askUnseen("Again: ", source)) === first) return first;
  throw new LaddportError("LP803", "the two passwords differ", { fix: "Run the command again." });
}

async function firstLine(stdin: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    lines.close();
    if (line !== "") return line;
    break;
  }
  throw new LaddportError("LP803", "there is no password on standard input", {
    fix: "Type it at a terminal, pipe it in, or let --generate make one.",
  });
}

async function askUnseen(question: string, { stdin, stderr }: PasswordSource): Promise<string> {
  stderr.write(question);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asked = createInterface({ input: stdin, output: unseen, terminal: true });
  try {
    return await asked.question("");
  } finally {
    asked.close();
    stderr.write("\n");
  }
}
