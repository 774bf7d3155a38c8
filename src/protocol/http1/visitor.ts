/**
 * The calls that an HTTP/1 receiver makes on its owner. The receiver turns bytes into these calls,
 * synchronously, without sockets, timers or promises.
 *
 * For one message the calls come in this order: `onHead`, any number of `onBody`, `onEnd`; then the next
 * message begins, unless the receiver was paused or stopped inside `onEnd`. `onError` ends everything: the
 * receiver takes no further input. During any call the owner may pause, stop or detach the receiver.
 */
import type { RawFields } from "../fields/raw-fields.js";
import type { RequestHead, ResponseHead } from "../message/head.js";
import type { HTTP1Error } from "./errors.js";

/** How the end of a body is found (RFC 9112 §6.3). */
export type BodyFraming = "none" | "length" | "chunked" | "close";

/** What HTTP/1 adds to the head of a message: where it ends, and what becomes of the connection. */
export interface HTTP1Framing {
  /** How the end of the body is found; never "close" in a request. */
  readonly framing: BodyFraming;
  /** False when the connection ends after this exchange (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /**
   * In a request: `Connection: upgrade` and an Upgrade field came, on HTTP/1.1. In a response: a 101, or a
   * 2xx to CONNECT, so that what follows is another protocol.
   */
  readonly upgrade: boolean;
}

/** The head of a request of HTTP/1. */
export interface HTTP1RequestHead extends RequestHead, HTTP1Framing {}

/** The head of a response of HTTP/1. Heads of 1xx responses are handed over as well, and end at once. */
export interface HTTP1ResponseHead extends ResponseHead, HTTP1Framing {}

/**
 * The calls of a receiver; `H` is {@link HTTP1RequestHead} on a server, {@link HTTP1ResponseHead} on a
 * client.
 */
export interface MessageVisitor<H> {
  onHead(head: H): void;
  /** Bytes of the body, decoded from chunks; never empty. The buffer may be kept. */
  onBody(chunk: Buffer): void;
  /**
   * The message is whole. `trailers` are the fields after a chunked body that may be kept (RFC 9110 §6.5.1).
   */
  onEnd(trailers: RawFields | undefined): void;
  /** The input broke a rule or a limit. `error.status` says what a server should answer. */
  onError(error: HTTP1Error): void;
}
