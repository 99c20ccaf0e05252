/** Reads what must not stand in a command line, where the process list and the shell's history show it. */
import type { ReadStream } from "node:tty";

const CTRL_C = "\u0003";

/** The first line of standard input; at a terminal asked for and not echoed. */
export async function readHidden(
  prompt: string,
  talk: { write(text: string): unknown },
  input: NodeJS.ReadStream = process.stdin,
): Promise<string> {
  const tty = input.isTTY ? (input as unknown as ReadStream) : undefined;
  if (tty) talk.write(prompt);
  tty?.setRawMode(true);
  let text = "";
  try {
    for await (const chunk of input) {
      text += String(chunk);
      if (text.includes(CTRL_C)) process.exit(130);
      if (/[\r\n]/.test(text)) break;
    }
  } finally {
    tty?.setRawMode(false);
    if (tty) talk.write("\n");
  }
  return text.split(/[\r\n]/)[0] ?? "";
}
