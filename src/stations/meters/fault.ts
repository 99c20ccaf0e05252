/** Why a Modbus device gave no answer, in the words of who stands in front of it, and what to do. */

export type FaultKind =
  | "unreachable"
  | "refused"
  | "silent"
  | "exception"
  | "garbled"
  | "closed"
  | "unsuitable";

export class MeterFault extends Error {
  readonly kind: FaultKind;
  readonly fix: string;
  /** Modbus exception code, with kind `exception`. */
  readonly exception: number | undefined;

  constructor(kind: FaultKind, message: string, fix: string, exception?: number) {
    super(message);
    this.name = "MeterFault";
    this.kind = kind;
    this.fix = fix;
    this.exception = exception;
  }
}

/** Illegal data address: the device has no such register. */
export const NO_SUCH_REGISTER = 2;

/** Modbus Application Protocol 1.1b3, section 7. */
const EXCEPTIONS: Readonly<Record<number, readonly [string, string]>> = {
  1: ["it does not know this function", "Take the other table (holding or input) in the register map."],
  2: ["it has no such register", "Take the register map of this model, and its addresses from 0."],
  3: ["it does not allow to read so many registers", "Write a smaller `longest` into the register map."],
  4: ["it has failed", "Restart the device; if that does not help, it is broken."],
  6: ["it is busy", "Poll less often, and see who else polls it."],
  10: ["the gateway has no way to this unit", "Correct `unit`, or the gateway's own settings."],
  11: [
    "behind the gateway the unit does not answer",
    "Check `unit`, the RS485 wires, and that both ends have the same baud rate and parity.",
  ],
};

export function exceptionFault(code: number, what: string): MeterFault {
  const [why, fix] = EXCEPTIONS[code] ?? [
    "of a kind that Modbus does not define",
    "See the device's manual.",
  ];
  return new MeterFault("exception", `${what}: exception ${code}, ${why}`, fix, code);
}

export function connectFault(code: string | undefined, place: string): MeterFault {
  switch (code) {
    case "ECONNREFUSED":
      return new MeterFault(
        "refused",
        `${place} is there and takes no connection (${code})`,
        "Switch Modbus TCP on in the device, and check `port` (502 unless changed).",
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new MeterFault(
        "unreachable",
        `${place}: nobody knows this name (${code})`,
        "Write the device's IP address as `host`, or correct the DNS.",
      );
    default:
      return new MeterFault(
        "unreachable",
        `${place} cannot be reached (${code ?? "no answer"})`,
        "Check that the device has power and its network cable, that `host` is its address, and the route to it.",
      );
  }
}
