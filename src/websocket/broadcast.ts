/**
 * One message for many connections, and topics that connections join and leave. A broadcast serialises and
 * frames the message once, and compresses it once for each set of parameters; a delivery is then one write of
 * the same bytes. Connections that agreed to keep a compression context get the message compressed on its
 * own.
 */
import { checkOneOf } from "../base/validate.js";
import type { WebSocketLink } from "./link.js";
import { SharedMessage, type WebSocketMessage, type WriteMessageOptions } from "./outgoing-message.js";
import { type ConnectionGroup, WebSocketShell } from "./shell.js";

/** Who can be sent to: a `WebSocketHandler` or a `WebSocketClientConnection`. */
export interface BroadcastTarget {
  /** The open connection; undefined before and after. */
  readonly wsConnection: WebSocketLink | undefined;
}

/** Options of {@link broadcast}. */
export interface BroadcastOptions extends WriteMessageOptions {
  /**
   * What happens where the transport has no room: the connection misses this message ("skip") or is cut
   * ("disconnect"). Default: its own policy for slow consumers, which under "block" queues the message, or
   * skips it when the budget is used up.
   */
  readonly slow?: "skip" | "disconnect" | undefined;
  /** One that does not get the message, such as its sender; default none. */
  readonly except?: BroadcastTarget | undefined;
}

/** What became of a broadcast: how many connections it went each way. */
export interface BroadcastResult {
  /** The transport took the message. */
  readonly sent: number;
  /** It waits in the connection's outbox. */
  readonly queued: number;
  /** It, or an older message in its place, was dropped, or there was no room for it. */
  readonly skipped: number;
  /** The connection was closed, or has been cut for reading too slowly. */
  readonly closed: number;
}

/**
 * Sends one message to any number of connections. Never waits, and never throws for what a connection does.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a message that cannot be sent, before
 * anything
 *   is sent, and for an unknown option value.
 */
export function broadcast(
  targets: Iterable<BroadcastTarget>,
  message: WebSocketMessage,
  options: BroadcastOptions = {},
): BroadcastResult {
  const slow = options.slow && checkOneOf("slow", options.slow, ["skip", "disconnect"]);
  const shared = new SharedMessage(message, options);
  let sent = 0;
  let queued = 0;
  let skipped = 0;
  let closed = 0;
  for (const target of targets) {
    if (target === options.except) continue;
    switch (shellOf(target)?.writeShared(shared, slow) ?? "closed") {
      case "sent":
        sent++;
        break;
      case "queued":
        queued++;
        break;
      case "closed":
        closed++;
        break;
      default:
        skipped++;
    }
  }
  return { sent, queued, skipped, closed };
}

function shellOf({ wsConnection }: BroadcastTarget): WebSocketShell | undefined {
  return wsConnection instanceof WebSocketShell ? wsConnection : undefined;
}

/** One topic: its subscribers by their connections. */
class Topic<T> implements ConnectionGroup {
  readonly subscribers = new Map<WebSocketShell, T>();
  readonly #topics: Map<string, Topic<T>>;
  readonly #name: string;

  constructor(topics: Map<string, Topic<T>>, name: string) {
    this.#topics = topics;
    this.#name = name;
  }

  /** Called by a connection that ends, too. */
  drop(connection: WebSocketShell): void {
    this.subscribers.delete(connection);
    if (this.subscribers.size === 0) this.#topics.delete(this.#name);
  }
}

/**
 * Topics of this process, and who has subscribed to them. Joining and leaving cost one entry of a set each; a
 * topic exists as long as it has subscribers. A connection that closes leaves all its topics.
 *
 *     const rooms = new Topics();
 *     rooms.subscribe("lobby", this);
 *     rooms.publish("lobby", { text }, { except: this });
 */
export class Topics<T extends BroadcastTarget = BroadcastTarget> {
  readonly #topics = new Map<string, Topic<T>>();

  /** Adds a connection to a topic. Returns false if it was there already, or is not open. */
  subscribe(topic: string, target: T): boolean {
    const connection = shellOf(target);
    if (connection?.isOpen !== true) return false;
    let found = this.#topics.get(topic);
    if (found === undefined) {
      found = new Topic(this.#topics, topic);
      this.#topics.set(topic, found);
    } else if (found.subscribers.has(connection)) {
      return false;
    }
    found.subscribers.set(connection, target);
    connection.join(found);
    return true;
  }

  /** Takes a connection off a topic. Returns whether it was there. */
  unsubscribe(topic: string, target: T): boolean {
    const connection = shellOf(target);
    const found = this.#topics.get(topic);
    if (connection === undefined || found?.subscribers.has(connection) !== true) return false;
    connection.part(found);
    found.drop(connection);
    return true;
  }

  /** Sends a message to all subscribers of a topic; see {@link broadcast}. */
  publish(topic: string, message: WebSocketMessage, options?: BroadcastOptions): BroadcastResult {
    return broadcast(this.subscribers(topic), message, options);
  }

  /** The subscribers of a topic, in the order of their joining. */
  subscribers(topic: string): Iterable<T> {
    return this.#topics.get(topic)?.subscribers.values() ?? [];
  }

  /** How many subscribers a topic has. */
  count(topic: string): number {
    return this.#topics.get(topic)?.subscribers.size ?? 0;
  }

  /** The topics that have subscribers. */
  get names(): Iterable<string> {
    return this.#topics.keys();
  }
}
