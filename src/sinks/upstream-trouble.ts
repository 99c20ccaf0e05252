/** When upstream has been silent or broken for a while, a person hears of it, once, with the cause; and of its end. */
import { raiseAlert, type SinkContext } from "./context.ts";

export interface Trouble {
  /** Something failed. The latest cause is told when the time has come. */
  met(cause: string): void;
  /** The cloud answered. */
  over(): void;
  readonly lastError: string | null;
  stop(): void;
}

/** `afterMs` of wire time must pass in trouble before the alert is raised. */
export function createTrouble(
  context: Pick<SinkContext, "alert" | "clock">,
  target: string,
  afterMs: number,
): Trouble {
  let cause: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let clear: (() => void) | undefined;
  const raise = () => {
    clear = raiseAlert(context, {
      id: "upstream_down",
      kind: "upstream_down",
      severity: "warning",
      subject: "upstream",
      cause: `${target}: ${cause}. Summaries are kept and sent later.`,
    });
  };
  return {
    get lastError() {
      return cause;
    },
    met(what) {
      if (cause === null) timer = setTimeout(raise, afterMs);
      cause = what;
    },
    over() {
      clearTimeout(timer);
      cause = null;
      clear?.();
      clear = undefined;
    },
    stop: () => clearTimeout(timer),
  };
}
