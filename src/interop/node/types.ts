/** What the containers call the other world's things. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** The socket of a message, as Node's types have it. */
export type NodeSocketLike = IncomingMessage["socket"];

/**
 * An application of Node's kind: `app` of Express, `app.callback()` of Koa, `app.routing` of Fastify, a
 * plain function.
 */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * The part of `http.Server` that a container uses: its events. The server need not listen, and `listen()`
 * is not called.
 */
export interface NodeServerEvents {
  /** Calls the listeners of an event; false if there are none. */
  emit(event: string, ...values: unknown[]): boolean;
  /** How many listeners an event has. */
  listenerCount(event: string): number;
}
