/**
 * Asks the gateway for a charging limit that ends by itself. It is an intent: the gateway grants, clamps or denies it,
 * and never lets a fuse be exceeded whatever is asked.
 */
import type { Answer } from "./contract.ts";
import type { Config, Message, Node, Red, Status } from "./red.ts";
import { withGateway } from "./wiring.ts";

interface LimitConfig extends Config {
  /** `station/evse`, or the id of a circuit. */
  target?: string;
  /** A; empty means that each message brings it. */
  limitA?: number | string;
  durationS?: number | string;
}

/** The longest an intent may live, s. */
const MAX_DURATION_S = 86_400;
const TARGET = /^[a-z0-9-]{1,36}(\/[1-9][0-9]?)?$/;

interface Intent {
  target: string;
  limitA: number;
  durationS: number;
  reason: string | undefined;
}

export default function register(RED: Red): void {
  function Limit(this: Node, config: LimitConfig) {
    RED.nodes.createNode(this, config);
    let expiry: NodeJS.Timeout | undefined;
    let asked = 0;

    withGateway(RED, this, config, (connection, release) => {
      const ready = () => this.status({ fill: "grey", shape: "ring", text: RED._("limit.status.ready") });
      release(() => clearTimeout(expiry));

      this.on("input", async (message, send, done) => {
        const turn = ++asked;
        try {
          const intent = readIntent(RED, config, message);
          this.status({ fill: "blue", shape: "ring", text: RED._("limit.status.waiting") });
          const answer = await connection.request(
            "limit",
            {
              target: intent.target,
              limit_a: intent.limitA,
              ...(intent.reason !== undefined && { reason: intent.reason }),
            },
            intent.durationS,
          );
          if (turn === asked) {
            this.status(statusOf(RED, answer, intent));
            clearTimeout(expiry);
            if (isAllowed(answer))
              expiry = setTimeout(
                () => this.status({ fill: "grey", shape: "ring", text: RED._("limit.status.expired") }),
                // The gateway's word: it may give less, and its depot time may run faster than ours.
                (answer.data?.valid_for_s ?? intent.durationS) * 1000,
              );
          }
          if (!isAllowed(answer))
            throw new Error(
              RED._("limit.error.denied", {
                reason: answer.error?.message ?? answer.data?.reason ?? answer.status,
              }),
            );
          send({
            ...message,
            payload: { status: answer.status, target: intent.target, asked_a: intent.limitA, ...answer.data },
          });
          done();
        } catch (error) {
          if (turn === asked) this.status({ fill: "red", shape: "dot", text: RED._("limit.status.denied") });
          done(error as Error);
        }
      });
      return { connected: ready };
    });
  }
  RED.nodes.registerType("laddport-limit", Limit);
}

const isAllowed = (answer: Answer) => answer.status === "granted" || answer.status === "clamped";

/** The message may name target, limit and reason and may shorten the duration, never lengthen it. Throws what is wrong. */
function readIntent(RED: Red, config: LimitConfig, message: Message): Intent {
  const given = typeof message.payload === "object" && message.payload !== null ? message.payload : {};
  const { target: to, limit_a: amps, duration_s: shorter, reason } = given as Record<string, unknown>;
  const set = config.limitA === undefined || config.limitA === "" ? undefined : Number(config.limitA);
  // With an amount set in the node, a bare number (an Inject's time stamp, say) only triggers it.
  const limitA = amps ?? set ?? message.payload;
  if (typeof limitA !== "number" || !Number.isFinite(limitA) || limitA < 0 || limitA > 10_000)
    throw new Error(RED._("limit.error.amount", { value: show(limitA) }));
  const target = to ?? config.target?.trim();
  if (typeof target !== "string" || !TARGET.test(target))
    throw new Error(RED._("limit.error.target", { value: show(target) }));
  const longest = Number(config.durationS);
  if (!(longest > 0 && longest <= MAX_DURATION_S))
    throw new Error(RED._("limit.error.duration", { value: show(config.durationS) }));
  if (shorter !== undefined && !(typeof shorter === "number" && shorter > 0))
    throw new Error(RED._("limit.error.duration", { value: show(shorter) }));
  return {
    target,
    limitA,
    durationS: Math.min(longest, shorter ?? longest),
    reason: typeof reason === "string" ? reason.slice(0, 200) : undefined,
  };
}

function statusOf(RED: Red, answer: Answer, intent: Intent): Status {
  const amps = Math.round((answer.data?.limit_a ?? intent.limitA) * 10) / 10;
  if (answer.status === "granted")
    return { fill: "green", shape: "dot", text: RED._("limit.status.granted", { amps }) };
  if (answer.status === "clamped")
    return { fill: "yellow", shape: "dot", text: RED._("limit.status.clamped", { amps }) };
  return { fill: "red", shape: "dot", text: RED._("limit.status.denied") };
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
