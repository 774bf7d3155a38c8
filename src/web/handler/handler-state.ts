/**
 * What a handler has gathered for its response so far. It is kept apart from the handler's class so that the
 * function files can work on it, and under a symbol so that no name of a subclass can collide with it.
 */
import type { CancelScope } from "../../async/cancel.js";
import type { Chunk, HTTPMessageDelegate } from "../../http/delegates.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { Handler, Transform } from "../types.js";
import type { RequestBody } from "./request-body.js";

/** The key of a handler's {@link HandlerState}. */
const STATE: unique symbol = Symbol("squall.handler");

/**
 * The state of a handler. The types of handlers do not tell of the symbol: it would have a part in the type
 * of every subclass, and those of mixins (`<T extends typeof RequestHandler>(Base: T) => class extends Base
 * …`) could not be written into declaration files, since code outside cannot name it.
 */
export function stateOf(handler: Handler): HandlerState {
  return (handler as Handler & { readonly [STATE]: HandlerState })[STATE];
}

/** Gives a new handler its state. */
export function giveState(handler: Handler): void {
  (handler as Handler & { [STATE]?: HandlerState })[STATE] = new HandlerState();
}

/** Stands for the fields of a handler that has not begun; shared, and never written to. */
export const NO_HEADERS: HTTPHeaders = new HTTPHeaders();

/** The part of a handler's state that is made when something needs it; most responses are done without. */
export class HandlerExtras {
  /** `Set-Cookie` values by cookie name, sent with the headers. */
  cookies: Map<string, string> | undefined = undefined;
  /** The answer of `getCurrentUser()`, or what was assigned; once known. */
  user: unknown = undefined;
  userKnown = false;
  /**
   * Settles when the transforms have dealt with everything so far; undefined if they are not waiting. Never
   * rejects.
   */
  transforming: Promise<void> | undefined = undefined;
  /** Who answers instead of this handler, and gets the rest of the request. */
  successor: HTTPMessageDelegate | undefined = undefined;
  /** The body of a request that the verb reads by itself. */
  body: RequestBody | undefined = undefined;
  /** Folders with parts of uploads, removed at the end. */
  spools: string[] | undefined = undefined;
  /** Ends the deadline's timer. */
  cancelDeadline: (() => void) | undefined = undefined;
}

/** All fields are set in the constructor, so that every handler has the same shape. */
export class HandlerState {
  status = 200;
  reason = "OK";
  /** Made by `clear()`, which runs before anything of the handler does. */
  headers: HTTPHeaders = NO_HEADERS;
  /** The first chunk since the last flush: most responses have one. */
  first: Chunk | undefined = undefined;
  /** The chunks after it. */
  rest: Chunk[] | undefined = undefined;
  transforms: Transform[] | undefined = undefined;
  headersWritten = false;
  finished = false;
  /** What finished the response, for the message of a second attempt; empty for the end of the verb. */
  finishedBy = "finish()";
  /** False if the handler's methods may return before the response is done (`asynchronous`). */
  autoFinish = true;
  /** The verb has returned, and what it returned has settled. */
  verbEnded = false;
  /** The stream was given away; nothing is written any more. */
  detached = false;
  /**
   * Cancelled when the exchange or the handler's time ends early; made when that happens or the signal is
   * first asked for.
   */
  scope: CancelScope | undefined = undefined;
  /** What most handlers never need. */
  extras: HandlerExtras | undefined = undefined;

  /** {@link HandlerState.extras}, made now if they are not there. */
  get more(): HandlerExtras {
    this.extras ??= new HandlerExtras();
    return this.extras;
  }

  /** Why the exchange or the handler's time ended early; undefined while it has not. */
  get abortReason(): unknown {
    return this.scope?.reason;
  }

  /** Ends the deadline's timer, if there is one. */
  endDeadline(): void {
    const { extras } = this;
    if (extras?.cancelDeadline === undefined) return;
    extras.cancelDeadline();
    extras.cancelDeadline = undefined;
  }

  /** Lets go of everything that was written since the last flush. */
  clearBody(): void {
    this.first = undefined;
    this.rest = undefined;
  }

  append(chunk: Chunk): void {
    if (chunk.length === 0) return;
    if (this.first === undefined) this.first = chunk;
    else if (this.rest === undefined) this.rest = [chunk];
    else this.rest.push(chunk);
  }

  /** Takes out what was written since the last flush, as one chunk. */
  takeBody(): Chunk | undefined {
    const { first, rest } = this;
    this.first = undefined;
    this.rest = undefined;
    if (first === undefined || rest === undefined) return first;
    rest.unshift(first);
    return joinChunks(rest);
  }
}

/** One chunk of many; text stays text if all of it is. */
export function joinChunks(chunks: readonly Chunk[]): Chunk {
  if (chunks.every((chunk) => typeof chunk === "string")) return chunks.join("");
  return Buffer.concat(chunks.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk)));
}
