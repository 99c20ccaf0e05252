/** When upstream has been silent or broken for a while, a person hears of it, once, with the cause; and of its end. */
import type { SinkContext } from "./context.ts";

const ALERT = "upstream_down";

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
  { alerts }: Pick<SinkContext, "alerts">,
  target: string,
  afterMs: number,
): Trouble {
  let cause: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  const raise = () => {
    alerts.raise({
      id: ALERT,
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
      alerts.clear(ALERT);
    },
    stop: () => clearTimeout(timer),
  };
}
