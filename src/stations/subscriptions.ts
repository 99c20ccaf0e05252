/** What clients subscribe to. A filter that is denied is answered with 0x80 in the SUBACK; the connection stays. */
import type { Subscription } from "aedes";
import type { Identity } from "../identity/credentials.ts";
import type { Acl } from "./acl.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";
import { quoted, type Rejections } from "./rejections.ts";

const DENIED = 0x80;

interface SubscriptionsOptions {
  limits: Limits;
  acl: Acl;
  rejections: Rejections;
  subscribed(identity: Identity, topics: string[]): void;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Whether `filter` is granted; counts it if so. */
  mayAdd({ identity, subscriptions, address }: Link, filter: string): boolean {
    const { acl, limits, rejections } = this.#options;
    if (identity === undefined) return false;
    if (!acl.maySubscribe(identity, filter)) {
      const detail = `${identity.name} may not subscribe to ${quoted(filter)}`;
      rejections.add("acl_denied", identity, address, detail);
      return false;
    }
    if (subscriptions.size >= limits.subscriptions && !subscriptions.has(filter)) {
      const detail = `${identity.name} has ${subscriptions.size} subscriptions, which is the most`;
      rejections.add("subscription_limit", identity, address, detail);
      return false;
    }
    subscriptions.add(filter);
    return true;
  }

  /** The SUBACK is on its way. */
  added({ identity }: Link, answered: Subscription[]): void {
    const granted = answered.filter(({ qos }) => (qos as number) !== DENIED).map(({ topic }) => topic);
    if (identity && granted.length > 0) this.#options.subscribed(identity, granted);
  }
}
