/** Shows a picture again and again: redrawn in place on a terminal, one line in ten seconds elsewhere. */
import { createLogUpdate } from "log-update";
import { type DemoPicture, frame, line } from "./demo-view.ts";

export interface Screen {
  start(): void;
  /** Leaves the last picture standing. */
  stop(): void;
}

export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const FRAME_EVERY_MS = 250;
const LINE_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** `picture` is null until there is something to show. Colour on a terminal unless `noColour` (no-color.org). */
export function createScreen(
  terminal: Terminal,
  noColour: boolean,
  picture: () => DemoPicture | null,
): Screen {
  let timer: NodeJS.Timeout | undefined;
  // A terminal that tells no size (a serial line, some containers) shows nothing of a frame: it gets lines.
  const redraw =
    terminal.isTTY && terminal.columns !== 0 ? createLogUpdate(terminal as NodeJS.WriteStream) : null;
  let lineAtMs = 0;

  const draw = () => {
    const shown = picture();
    if (!shown) return;
    if (redraw) return redraw(frame(shown, { colour: !noColour, width: terminal.columns ?? 80 }));
    if (performance.now() < lineAtMs) return;
    lineAtMs = performance.now() + LINE_EVERY_MS;
    terminal.write(`${line(shown)}\n`);
  };

  return {
    start() {
      timer = setInterval(draw, redraw ? FRAME_EVERY_MS : LOOK_EVERY_MS);
    },
    stop() {
      clearInterval(timer);
      if (!timer) return;
      timer = undefined;
      lineAtMs = 0;
      draw();
      redraw?.done();
    },
  };
}
