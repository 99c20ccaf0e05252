/** Requests that must not overtake each other: one at a time, so many waiting, each with an end to its patience. */

/** Resolves with `busy` when too many wait, when it takes longer than patience, or when the work fails. */
export type Turns<Answer> = (work: () => Promise<Answer>) => Promise<Answer>;

/** Wire time that an asker waits for a disk; then it does not know, and may ask again. */
const PATIENCE_MS = 8_000;
const MAX_WAITING = 16;

export function turns<Answer>(busy: Answer): Turns<Answer> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return (work) => {
    if (waiting >= MAX_WAITING) return Promise.resolve(busy);
    waiting += 1;
    const done = last.then(work);
    last = done
      .catch(() => undefined)
      .finally(() => {
        waiting -= 1;
      });
    // The thread that reads the log may end and start again meanwhile.
    return within(
      done.catch(() => busy),
      busy,
    );
  };
}

/** `otherwise` when it takes longer than an asker's patience. Rejects as `done` does. */
export async function within<Answer, Otherwise>(
  done: Promise<Answer>,
  otherwise: Otherwise,
): Promise<Answer | Otherwise> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Otherwise>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, otherwise);
  });
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
