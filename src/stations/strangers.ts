/** Addresses whose connections are no station's, again and again: they are turned away before a byte is read. */
import type { Socket } from "node:net";
import { RateWindow } from "../identity/brake.ts";

const WINDOW_MS = 10_000;

export class Strangers {
  readonly #offences: RateWindow;

  /** `limit`: offences of one address in ten seconds of wire time. */
  constructor(limit: number) {
    this.#offences = new RateWindow({ limit, windowMs: WINDOW_MS });
  }

  /** A connection ended without having been anybody's. */
  offended(address: string): void {
    this.#offences.add(address, performance.now());
  }

  /** Ends the socket, and says true, while its address has offended too often. */
  turnsAway(socket: Socket, address: string): boolean {
    if (!this.#offences.isFull(address, performance.now())) return false;
    socket.on("error", () => undefined);
    socket.destroy();
    return true;
  }
}
