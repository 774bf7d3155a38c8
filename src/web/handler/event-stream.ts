/**
 * Server-Sent Events as the body of a response (WHATWG HTML §9.2): one that goes on until either side ends
 * it.
 *
 *     open ── close() ──────────────▶ closing ── what was queued is sent ──▶ closed
 *     open ── the client leaves, the time is up, the server stops, the policy disconnects ──▶ closed
 *
 * An event goes straight to the connection while that has room. When the client reads more slowly than events
 * come, they wait in an outbox (`net/outbox.ts`), which drops whole events or ends the connection as its
 * policy says. An idle stream has no outbox: it costs one deadline, for the comment that keeps proxies and
 * browsers from giving it up.
 */
import { RESOLVED, rejectedQuietly } from "../../async/deferred.js";
import { Deadline } from "../../async/timers/deadline.js";
import { TurnBudget } from "../../async/turn-budget.js";
import { InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkInteger, checkMilliseconds } from "../../base/validate.js";
import { ExchangeAbortedError } from "../../http/errors.js";
import {
  Outbox,
  type OutboxFullError,
  type OutboxLimits,
  type OutboxOptions,
  type OutboxTarget,
  resolveOutboxOptions,
} from "../../net/outbox.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import { EncodedEvent, encodeEvent, type ServerSentEvent } from "../../protocol/body/event-stream.js";
import type { Handler } from "../types.js";
import { abortHandler, onHandlerAbort } from "./abort.js";
import { endWithoutClient } from "./error-page.js";
import { stateOf } from "./handler-state.js";
import { checkUnfinished, DONE, flushOutput, writeChunk } from "./output.js";

/**
 * Options of an {@link EventStream}. What happens to a client that reads slowly is said as for any outbox.
 */
export interface EventStreamOptions extends OutboxOptions {
  /**
   * After so many milliseconds without an event a comment is sent, which keeps the connection from being
   * taken for dead; up to an eighth later, or 500 ms if that is more. Default 15,000, `Infinity` for none.
   */
  readonly heartbeat?: number | undefined;
  /**
   * Tells the client how many milliseconds to wait before it connects again; default its own choice, mostly 3
   * s.
   */
  readonly retry?: number | undefined;
}

const EVENT_STREAM_OPTIONS = optionNames<EventStreamOptions>({
  slowConsumer: 1,
  maxQueuedBytes: 1,
  maxQueuedMessages: 1,
  heartbeat: 1,
  retry: 1,
});

/** An event, or a text that is its data, or one that {@link encodeEvent} has put into its format. */
export type EventInit = ServerSentEvent | EncodedEvent | string;

/** A comment without text. */
const HEARTBEAT = ":\n\n";

/**
 * A response of events, made by `RequestHandler.openEventStream`. It stays open when the handler's method
 * ends, until {@link EventStream.close} or the client ends it.
 */
export class EventStream {
  readonly #handler: Handler;
  readonly #limits: OutboxLimits;
  readonly #heartbeat: number;
  readonly #deadline: Deadline<EventStream>;
  readonly #target: OutboxTarget<string>;
  readonly #unwatch: () => void;
  readonly #turnBudget: TurnBudget;
  #outbox: Outbox<string> | undefined = undefined;
  /** Why nothing can be sent any more; undefined while it can. */
  #ended: unknown = undefined;
  #closing: Promise<void> | undefined = undefined;
  /**
   * What is to be given up when the stream ends early: at most one wait for the next event of each source.
   */
  readonly #waits = new Set<(reason: unknown) => void>();

  /** @internal */
  constructor(handler: Handler, options: EventStreamOptions) {
    checkNames("option of an event stream", options, EVENT_STREAM_OPTIONS);
    checkUnfinished(handler, "openEventStream");
    const state = stateOf(handler);
    if (state.headersWritten)
      throw new InvalidStateError("openEventStream() must come before anything of the response is sent");
    this.#handler = handler;
    this.#limits = resolveOutboxOptions(options);
    this.#heartbeat = checkMilliseconds("heartbeat", options.heartbeat ?? 15_000);
    const { retry } = options;
    if (retry !== undefined) checkInteger("retry", retry, { min: 0 });
    this.#deadline = new Deadline(handler.request.ioLoop, EventStream.#beat, this);
    this.#turnBudget = TurnBudget.of(handler.request.ioLoop);
    this.#target = {
      deliver: (text) => this.#deliver(text),
      sizeOf: (text) => Buffer.byteLength(text),
      disconnect: (error) => this.#disconnect(error),
    };
    const { headers } = state;
    headers.set("Content-Type", "text/event-stream");
    if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-cache");
    // nginx and those that took the field over gather what they pass on, unless they are asked not to.
    if (!headers.has("X-Accel-Buffering")) headers.set("X-Accel-Buffering", "no");
    state.clearBody();
    state.autoFinish = false;
    this.#unwatch = onHandlerAbort(handler, (reason) => this.#aborted(reason));
    if (this.#ended !== undefined) return;
    this.#push(retry === undefined ? "" : encodeEvent({ retry }).text);
    // The response to HEAD ends with its head.
    if (handler.request.method === "HEAD") void this.close();
  }

  /** True until the stream ends, by either side. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** How many events the policy has dropped. */
  get dropped(): number {
    return this.#outbox?.dropped ?? 0;
  }

  /** Bytes of the events that wait because the client reads slowly. */
  get queuedBytes(): number {
    return this.#outbox?.queuedBytes ?? 0;
  }

  /**
   * Sends an event. Resolves when there is room for the next one; at once under the policies `drop-oldest`
   * and `drop-newest`; with the next turn of the loop where many were sent without one, as
   * `RequestHandler.flush()` says. Rejects (not reported as unhandled) with the reason of `handler.signal`
   * when the client has left; with an `OutboxFullError` (`ERR_SQUALL_OUTBOX_FULL`), the event not sent, when
   * too much is queued under `block` and `disconnect`; with an `InvalidStateError` after
   * {@link EventStream.close}.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) as `encodeEvent()` does; nothing is sent.
   */
  send(event: EventInit): Promise<void> {
    const { text } = event instanceof EncodedEvent ? event : encodeEvent(event);
    return this.#push(text);
  }

  /**
   * Sends what a source gives, one event when there is room for it. Resolves when the source ends, and leaves
   * the stream open. When the stream ends first, the source is ended (`return()`) and the promise rejects as
   * {@link EventStream.send} does. A source that is waiting at that moment hears of it when its wait is over:
   * give `handler.signal` to what it waits for.
   */
  async sendAll(source: AsyncIterable<EventInit> | Iterable<EventInit>): Promise<void> {
    const iterator = iteratorOf(source);
    let done = false;
    try {
      for (;;) {
        const step = await this.#untilEnd(iterator);
        if (step.done === true) {
          done = true;
          return;
        }
        await this.send(step.value);
        // Whatever the policy: a source is asked when there is room, so nothing of it is dropped.
        await this.#outbox?.whenRoom();
      }
    } finally {
      if (!done) endSource(iterator);
    }
  }

  /**
   * Ends the response, when what is queued has been sent. Clients connect again after a while, unless the
   * next response says 204. Resolves when it is over, also if the client leaves meanwhile; calling it twice
   * is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#ended === undefined ? this.#finish() : RESOLVED;
    return this.#closing;
  }

  /** The same as {@link EventStream.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  static #beat(stream: EventStream): void {
    if (stream.#ended !== undefined) return;
    // While events are queued the connection is not idle, and a comment would only wait behind them.
    if (stream.#outbox?.hasRoom ?? true) void stream.#push(HEARTBEAT);
    else stream.#deadline.set(stream.#heartbeat);
  }

  #push(text: string): Promise<void> {
    // The handler may have ended the response itself, or have failed.
    if (stateOf(this.#handler).finished) this.#end(new InvalidStateError("the response is finished"));
    if (this.#ended !== undefined) return rejectedQuietly(this.#ended);
    this.#deadline.set(this.#heartbeat);
    const budget = this.#turnBudget;
    if (this.#outbox !== undefined) {
      const room = this.#outbox.push(text);
      return room === RESOLVED ? budget.spend(text.length) : room;
    }
    if (this.#deliver(text)) return budget.turn ?? RESOLVED;
    if (this.#ended !== undefined) return rejectedQuietly(this.#ended);
    this.#outbox = new Outbox(this.#target, this.#limits, true);
    const { slowConsumer } = this.#limits;
    return slowConsumer.startsWith("drop") ? (budget.turn ?? RESOLVED) : this.#outbox.whenRoom();
  }

  /** Hands text to the connection; false if it has no room for more. */
  #deliver(text: string): boolean {
    if (text !== "") writeChunk(this.#handler, text);
    const sent = flushOutput(this.#handler, false);
    if (sent === RESOLVED || sent === DONE || sent === this.#turnBudget.turn) return true;
    sent.then(
      () => this.#outbox?.flush(),
      (error: unknown) => {
        // A closed connection ends the exchange too, with a reason that says more. Anything else is the fault
        // of a transform.
        if (!(error instanceof StreamClosedError)) failResponse(this.#handler, error);
      },
    );
    return false;
  }

  /** The next event of a source, unless the stream ends first. */
  #untilEnd(iterator: EventIterator): Promise<IteratorResult<EventInit, unknown>> {
    if (this.#ended !== undefined) return rejectedQuietly(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waits.add(reject);
      const forget = (): boolean => this.#waits.delete(reject);
      // A function, so that what next() throws is a rejection.
      const next = async (): Promise<IteratorResult<EventInit, unknown>> => iterator.next();
      next().then(
        (step) => {
          forget();
          resolve(step);
        },
        (error: unknown) => {
          forget();
          reject(error);
        },
      );
    });
  }

  async #finish(): Promise<void> {
    const outbox = this.#outbox;
    this.#end(new InvalidStateError("the event stream was closed"));
    try {
      await outbox?.whenRoom();
      if (!stateOf(this.#handler).finished) await this.#handler.finish();
    } catch {
      // The client left before it had everything, which its handler was told.
    } finally {
      this.#unwatch();
    }
  }

  /** Nothing further is sent; a pending event of a source rejects with the reason. */
  #end(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#deadline.dispose();
    for (const giveUp of this.#waits) giveUp(reason);
    this.#waits.clear();
  }

  /** The exchange or the handler's time ended early. */
  #aborted(reason: unknown): void {
    this.#end(reason);
    this.#outbox?.close(reason as Error);
    if (stateOf(this.#handler).finished) return;
    const { connection } = this.#handler.request;
    if (connection?.closed === false && !(reason instanceof ExchangeAbortedError && isGone(reason))) {
      // The client is still there: it is told that the response is over, and connects again.
      this.#handler.finish().catch(() => {});
      return;
    }
    // After the hook onConnectionClose(), which is about to run.
    queueMicrotask(() => endWithoutClient(this.#handler));
  }

  /** The client reads too slowly for the policy `disconnect`. */
  #disconnect(error: OutboxFullError): void {
    const { remoteIp } = this.#handler.request;
    genLog.info("an event stream to %s is closed: %s", remoteIp, error.message);
    this.#end(error);
    this.#unwatch();
    endWithoutClient(this.#handler);
  }
}

/** True unless the server is stopping, whose clients are still there. */
function isGone(reason: ExchangeAbortedError): boolean {
  return reason.reason !== "stopping";
}

type EventIterator = AsyncIterator<EventInit> | Iterator<EventInit>;

function iteratorOf(source: AsyncIterable<EventInit> | Iterable<EventInit>): EventIterator {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Lets a source clean up. Its promise is not awaited, so its errors go to the log. */
function endSource(iterator: EventIterator): void {
  const failed = (error: unknown): void => genLog.exception("a source of events failed at its end", error);
  try {
    Promise.resolve(iterator.return?.()).then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

/** What went wrong is told to the log and to all who have the handler's signal, and the response ends. */
function failResponse(handler: Handler, error: unknown): void {
  if (stateOf(handler).finished) return;
  try {
    handler.logException(error);
  } catch (failure) {
    genLog.exception("Error in exception logger", failure);
  }
  abortHandler(handler, error);
}

/**
 * `handler.sendEvents()`. Errors are dealt with here, since the handler's method may not be waiting for the
 * promise; if it is, it ends with the reason of its own signal, which is no error any more.
 */
export function sendEvents(
  handler: Handler,
  source: AsyncIterable<EventInit> | Iterable<EventInit>,
  options: EventStreamOptions,
): Promise<void> {
  const stream = new EventStream(handler, options);
  const sent = stream.sendAll(source).then(() => stream.close());
  sent.catch((error: unknown) => failResponse(handler, error));
  return sent;
}

/** `handler.lastEventId`. The field is UTF-8 (WHATWG HTML §9.2.4), which header fields are not decoded as. */
export function lastEventIdOf(handler: Handler): string | undefined {
  const id = handler.request.headers.get("Last-Event-ID");
  return id === undefined || id === "" ? undefined : Buffer.from(id, "latin1").toString("utf8");
}
