/**
 * What an HTTP/1 receiver tells its owner. The receiver turns bytes into these calls, synchronously, without
 * sockets, timers or promises.
 *
 * For one message the calls come in this order: `onHead`, any number of `onBody`, `onEnd`; then the next message
 * begins, unless the receiver was paused or stopped inside `onEnd`. `onError` ends everything: the receiver takes
 * no further input. During any call the owner may pause, stop or detach the receiver.
 */
import type { RequestStartLine, ResponseStartLine } from "../fields/start-line.js";
import type { HTTP1Error } from "./errors.js";

/** Field lines as they came, flat: name, value, name, value, … Names keep their spelling, values are trimmed. */
export type RawFields = readonly string[];

/** How the end of a body is found (RFC 9112 §6.3). */
export type BodyFraming = "none" | "length" | "chunked" | "close";

/** The head of a request: its start line (`path` is the target as sent) and what its fields mean. */
export interface RequestHead extends RequestStartLine {
  /** What the sender speaks; a later minor version of 1 counts as 1.1 (RFC 9110 §2.5). */
  readonly version: "HTTP/1.0" | "HTTP/1.1";
  /** The header fields as they came. */
  readonly fields: RawFields;
  /**
   * Whom the request is for: the authority of an absolute target (RFC 9112 §3.2.2), else the value of the one Host
   * field; `undefined` only for HTTP/1.0 without it. Checked: a host and an optional port, or empty.
   */
  readonly host: string | undefined;
  /** How the end of the body is found; never "close" in a request. */
  readonly framing: BodyFraming;
  /** The body's length with framing "length" (0 or more), else -1. */
  readonly contentLength: number;
  /** False when the connection ends after this exchange (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** The client waits for a 100 (Continue) before it sends the body (HTTP/1.1 only, RFC 9110 §10.1.1). */
  readonly expectContinue: boolean;
  /** `Connection: upgrade` and an Upgrade field came, on HTTP/1.1. */
  readonly upgrade: boolean;
}

/** The head of a response; heads of 1xx responses are told as well and end at once. */
export interface ResponseHead extends ResponseStartLine {
  /** What the sender speaks; a later minor version of 1 counts as 1.1 (RFC 9110 §2.5). */
  readonly version: "HTTP/1.0" | "HTTP/1.1";
  /** The header fields as they came. */
  readonly fields: RawFields;
  /** How the end of the body is found. */
  readonly framing: BodyFraming;
  /** The body's length with framing "length" (0 or more), else -1. */
  readonly contentLength: number;
  /** False when the connection ends after this response (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** A 101, or a 2xx to CONNECT: what follows is another protocol. */
  readonly upgrade: boolean;
}

/** The calls of a receiver; `H` is {@link RequestHead} on a server, {@link ResponseHead} on a client. */
export interface MessageVisitor<H> {
  onHead(head: H): void;
  /** Bytes of the body, decoded from chunks; never empty. The buffer may be kept. */
  onBody(chunk: Buffer): void;
  /** The message is whole. `trailers` are the fields after a chunked body that may be kept (RFC 9110 §6.5.1). */
  onEnd(trailers: RawFields | undefined): void;
  /** The input broke a rule or a limit. `error.status` says what a server should answer. */
  onError(error: HTTP1Error): void;
}
