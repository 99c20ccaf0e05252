/** The part of Node-RED's node API that the palette uses (Node-RED 5, "Creating Nodes"). Types only. */
import type { Connection } from "./connection.ts";

export interface Message {
  payload?: unknown;
  topic?: string;
  laddport?: { offset: number | null; ts: string | null; event?: string };
  [key: string]: unknown;
}

export interface Status {
  fill?: "red" | "green" | "yellow" | "blue" | "grey";
  shape?: "ring" | "dot";
  text?: string;
}

export interface Config {
  id: string;
  type: string;
  name?: string;
  gateway?: string;
  [key: string]: unknown;
}

type Send = (message: Message | (Message | null)[]) => void;
type Done = (error?: Error) => void;

export interface Node {
  id: string;
  name?: string;
  credentials?: Record<string, string>;
  status(status: Status): void;
  send(message: Message | (Message | null)[]): void;
  warn(text: string): void;
  error(text: string): void;
  log(text: string): void;
  on(event: "input", listener: (message: Message, send: Send, done: Done) => void): void;
  on(event: "close", listener: (removed: boolean, done: () => void) => void): void;
}

export interface GatewayNode extends Node {
  /** Undefined when url or site is missing. */
  connection: Connection | undefined;
}

export interface TlsNode extends Node {
  addTLSOptions(options: object): object;
}

/** What the gateway hands to the Node-RED it starts, so that the config node needs nothing filled in. */
export interface SuppliedSettings {
  url: string;
  site: string;
  username: string;
  password: string;
}

interface HttpAnswer {
  json(body: unknown): void;
}

export interface Red {
  nodes: {
    createNode(node: Node, config: Config): void;
    getNode(id: string | undefined): Node | null;
    registerType(type: string, create: unknown, options?: object): void;
  };
  settings: { laddport?: SuppliedSettings };
  auth: { needsPermission(permission: string): unknown };
  httpAdmin: {
    get(
      path: string,
      guard: unknown,
      answer: (request: { params: Record<string, string> }, response: HttpAnswer) => void,
    ): void;
  };
  _(key: string, values?: Record<string, string | number>): string;
}
