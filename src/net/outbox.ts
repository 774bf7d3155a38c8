/**
 * A queue of whole messages in front of a connection whose peer may read slowly: the one place that decides
 * what happens to messages which the transport has no room for. WebSockets, Server-Sent Events and broadcasts
 * share it.
 *
 * While the transport has room, messages pass straight through and the queue stays empty:
 *
 *     passing ── deliver() answers false ──▶ full ── flush(), queue empty ──▶ passing
 *     full ──── the budget is exceeded ────▶ the policy: reject, drop a message, or disconnect
 *     any ───── close() ───────────────────▶ closed (terminal): what is queued is dropped, pushes reject
 *
 * Messages are dropped whole, before they are framed or compressed, so that a stream with a compression
 * context stays in step. Only messages in this queue can be dropped; what the transport has taken is on its
 * way. The budget therefore covers the queue alone: the transport's own high-water mark bounds the rest.
 */
import { Deferred, RESOLVED, rejectedQuietly } from "../async/deferred.js";
import { Deque } from "../base/deque.js";
import { SquallError } from "../base/errors.js";
import { checkLimit, checkOneOf } from "../base/validate.js";

/** What an outbox does with a message that exceeds its budget. */
export type SlowConsumerPolicy =
  /**
   * Nothing is dropped: the message is refused with an {@link OutboxFullError}. Producers wait for their
   * promises.
   */
  | "block"
  /** The oldest queued messages make room. For state that the latest message describes whole. */
  | "drop-oldest"
  /** The new message is dropped. For samples of which any will do. */
  | "drop-newest"
  /**
   * The connection ends. For logs and deltas, which are useless with a gap: the client comes back and starts
   * over.
   */
  | "disconnect";

const POLICIES: readonly SlowConsumerPolicy[] = ["block", "drop-oldest", "drop-newest", "disconnect"];

/** Options of an {@link Outbox}. */
export interface OutboxOptions {
  /** What happens to a message that exceeds the budget; default `"block"`. */
  readonly slowConsumer?: SlowConsumerPolicy | undefined;
  /** The budget of queued messages in bytes; default 16 MiB, `Infinity` for none. */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * How many messages may be queued; default `Infinity`. With `"drop-oldest"`, 1 keeps only the latest
   * message.
   */
  readonly maxQueuedMessages?: number | undefined;
}

/** {@link OutboxOptions}, complete and checked. One object may serve any number of outboxes. */
export interface OutboxLimits {
  /** See {@link OutboxOptions.slowConsumer}. */
  readonly slowConsumer: SlowConsumerPolicy;
  /** See {@link OutboxOptions.maxQueuedBytes}. */
  readonly maxQueuedBytes: number;
  /** See {@link OutboxOptions.maxQueuedMessages}. */
  readonly maxQueuedMessages: number;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Fills in the defaults of `options`.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an unknown policy or a limit out of range.
 */
export function resolveOutboxOptions(options: OutboxOptions): OutboxLimits {
  return {
    slowConsumer: checkOneOf("slowConsumer", options.slowConsumer ?? "block", POLICIES),
    maxQueuedBytes: checkLimit("maxQueuedBytes", options.maxQueuedBytes ?? DEFAULT_MAX_BYTES),
    maxQueuedMessages: checkLimit(
      "maxQueuedMessages",
      options.maxQueuedMessages ?? Number.POSITIVE_INFINITY,
      1,
    ),
  };
}

/**
 * The queue has no room for a message, and the policy is `"block"` or `"disconnect"`
 * (`ERR_SQUALL_OUTBOX_FULL`).
 */
export class OutboxFullError extends SquallError {
  static {
    this.prototype.name = "OutboxFullError";
  }

  constructor(limits: OutboxLimits) {
    super(
      "ERR_SQUALL_OUTBOX_FULL",
      `the client reads too slowly: more than ${limits.maxQueuedBytes} bytes or ${limits.maxQueuedMessages} messages would be queued; await each write, or choose another slowConsumer policy`,
    );
  }
}

/** The transport behind an {@link Outbox}. */
export interface OutboxTarget<M> {
  /**
   * Sends `message`. Returns false when the next one should wait; the target calls {@link Outbox.flush}
   * later.
   */
  deliver(message: M): boolean;
  /** The size of `message` in bytes, as it counts against the budget. */
  sizeOf(message: M): number;
  /** The policy `"disconnect"` applies: end the connection. Called at most once. */
  disconnect(error: OutboxFullError): void;
}

/** See the head of this file. Make one when a transport first has no room: an idle connection needs none. */
export class Outbox<M> {
  /** Messages that the policy has dropped so far. */
  dropped: number = 0;
  readonly #target: OutboxTarget<M>;
  readonly #limits: OutboxLimits;
  readonly #queue = new Deque<M>();
  #queuedBytes = 0;
  #full = false;
  /** The target is being called: what is pushed meanwhile keeps its place behind. */
  #delivering = false;
  /** Why the outbox is closed; undefined while it is open. */
  #closed: Error | undefined = undefined;
  /** Shared by all producers that wait for room. */
  #room: Deferred | undefined = undefined;

  /** @param full true if the transport has no room at the moment. */
  constructor(target: OutboxTarget<M>, limits: OutboxLimits, full = false) {
    this.#target = target;
    this.#limits = limits;
    this.#full = full;
  }

  /** Bytes of the messages that wait here. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** How many messages wait here. */
  get queuedMessages(): number {
    return this.#queue.length;
  }

  /** True when a message would be sent at once. */
  get hasRoom(): boolean {
    return !this.#full && !this.#delivering && this.#queue.length === 0 && this.#closed === undefined;
  }

  /**
   * Sends or queues `message`, as the policy says. Resolves when there is room for the next message; under
   * the two drop policies at once, so that a producer keeps its pace. All who wait share one promise.
   *
   * Rejects (not reported as unhandled) with the error of {@link Outbox.close} when the outbox is or gets
   * closed, and with an {@link OutboxFullError} when the budget is exceeded under `"block"`, which leaves the
   * connection open and does not queue the message, or under `"disconnect"`.
   */
  push(message: M): Promise<void> {
    if (this.#closed !== undefined) return rejectedQuietly(this.#closed);
    const error = this.offer(message);
    if (error !== undefined) return rejectedQuietly(error);
    const { slowConsumer } = this.#limits;
    if (this.hasRoom || slowConsumer === "drop-oldest" || slowConsumer === "drop-newest") return RESOLVED;
    return this.whenRoom();
  }

  /**
   * {@link Outbox.push} without a promise, for broadcasts. Returns why the message was refused, or undefined
   * when it was sent, queued or dropped by policy. A closed outbox returns the error that it was closed with.
   */
  offer(message: M): Error | undefined {
    if (this.#closed !== undefined) return this.#closed;
    if (this.hasRoom) {
      this.#deliver(message);
      if (this.#queue.length > 0) this.flush();
      return undefined;
    }
    const size = this.#target.sizeOf(message);
    if (this.#fits(size)) {
      this.#enqueue(message, size);
      return undefined;
    }
    return this.#exceeded(message, size);
  }

  /** Resolves when a message would be sent at once; rejects when the outbox is or gets closed. */
  whenRoom(): Promise<void> {
    if (this.#closed !== undefined) return rejectedQuietly(this.#closed);
    if (this.hasRoom) return RESOLVED;
    this.#room ??= new Deferred<void>().quiet();
    return this.#room.promise;
  }

  /** The transport has room again: sends what is queued, as far as the room goes. */
  flush(): void {
    this.#full = false;
    while (!this.#full && !this.#delivering && this.#queue.length > 0) {
      const message = this.#queue.shift() as M;
      this.#queuedBytes -= this.#target.sizeOf(message);
      this.#deliver(message);
    }
    if (!this.hasRoom) return;
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }

  /**
   * Drops what is queued and rejects those who wait, with `error`. Calling it twice is fine; the first error
   * stays.
   */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#queue.clear();
    this.#queuedBytes = 0;
    const room = this.#room;
    this.#room = undefined;
    room?.reject(error);
  }

  #deliver(message: M): void {
    this.#delivering = true;
    try {
      if (!this.#target.deliver(message)) this.#full = true;
    } finally {
      this.#delivering = false;
    }
  }

  #fits(size: number): boolean {
    const { maxQueuedBytes, maxQueuedMessages } = this.#limits;
    return this.#queuedBytes + size <= maxQueuedBytes && this.#queue.length < maxQueuedMessages;
  }

  #enqueue(message: M, size: number): void {
    this.#queue.push(message);
    this.#queuedBytes += size;
  }

  #exceeded(message: M, size: number): Error | undefined {
    const { slowConsumer, maxQueuedBytes } = this.#limits;
    if (slowConsumer === "drop-newest" || (slowConsumer === "drop-oldest" && size > maxQueuedBytes)) {
      this.dropped++;
      return undefined;
    }
    if (slowConsumer === "drop-oldest") {
      while (!this.#fits(size)) {
        this.#queuedBytes -= this.#target.sizeOf(this.#queue.shift() as M);
        this.dropped++;
      }
      this.#enqueue(message, size);
      return undefined;
    }
    const error = new OutboxFullError(this.#limits);
    if (slowConsumer === "disconnect") {
      this.close(error);
      this.#target.disconnect(error);
    }
    return error;
  }
}
