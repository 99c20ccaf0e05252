/** What a command that failed says: one line where the cause lies outside of the program, a stack where it lies in it. */
import { ERRORS, type ErrorCode, LaddportError } from "../errors.ts";
import { DamagedRow } from "../log/sqlite-reader.ts";
import { EXIT, printable } from "./output.ts";

export interface Failure {
  text: string;
  exit: number;
}

/** The text ends with a line feed. Errors of nobody's making but ours keep their stack, for the report. */
export function failureOf(error: unknown): Failure {
  if (error instanceof LaddportError)
    return { text: `${printable(String(error))}\n`, exit: exitCodeOf(error.code) };
  if (error instanceof DamagedRow)
    return failureOf(
      new LaddportError("LP506", `In log.db ${error.message}.`, {
        cause: error,
        fix: "See what else is with laddport log verify, and restore from a backup.",
      }),
    );
  const outside = systemErrorIn(error);
  if (!outside) return { text: `${(error as Error)?.stack ?? String(error)}\n`, exit: EXIT.failed };
  // A listener has said what it wanted and what to do; a bare error of the system only names its path.
  const text =
    outside === error
      ? `LP805 ${outside.path ?? outside.syscall} (${outside.code}). ${ERRORS.LP805.action}`
      : (error as Error).message;
  return { text: `${text}\n`, exit: EXIT.failed };
}

/** The error itself, or what caused it, when the operating system raised it. */
function systemErrorIn(error: unknown): NodeJS.ErrnoException | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("syscall" in error) return error as NodeJS.ErrnoException;
  return systemErrorIn(error.cause);
}

function exitCodeOf(code: ErrorCode): number {
  if (code === "LP803") return EXIT.usage;
  return /^LP[123]/.test(code) ? EXIT.config : EXIT.failed;
}

/** A reader that has seen enough (`head`) is no failure: output ends, and with it a command that only reads. */
export function endWithReader(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  // Talk may go unheard; the work goes on.
  stderr.on("error", () => undefined);
}
