/**
 * What the two sides of a shell (`shell.ts`) see of each other: the owner above it, and the open connection
 * as programs have it.
 */
import type { IOStream } from "../net/stream/tcp-stream.js";
import type { DeflateEffort } from "../protocol/websocket/deflate-codec.js";
import type { WebSocketProtocolError } from "../protocol/websocket/errors.js";
import type { DeflateAgreement } from "../protocol/websocket/handshake/permessage-deflate.js";

/** Whom a shell serves: a handler, or a client's connection. */
export interface WebSocketOwner {
  /** A message. While a promise that it returns is pending, no further one comes. */
  deliverMessage(message: string | Buffer): unknown;
  /** A ping came, and is answered. */
  onPing(data: Buffer): unknown;
  /** A pong came. */
  onPong(data: Buffer): unknown;
  /**
   * Nothing more comes; called once, last. Code and reason are those of the peer's close frame, if it had
   * them.
   */
  onWsConnectionClose(code: number | undefined, reason: string | undefined): void;
  /**
   * What one of the methods above threw, or its promise was rejected with. The connection is closed with
   * 1011.
   */
  logException(error: unknown): void;
}

/** An open WebSocket, below a handler or a client's connection. */
export interface WebSocketLink {
  /** True until a close frame is sent or received, or is going to be, and while TCP lasts. */
  readonly isOpen: boolean;
  /** Bytes of messages that were written and have not been handed to the system. */
  readonly bufferedAmount: number;
  /** How many messages the policy for slow consumers has dropped. */
  readonly dropped: number;
  /** Why the connection failed, if the peer broke a rule or a limit. */
  readonly violation: WebSocketProtocolError | undefined;
  /** True if the peer did not do its part in time, and the connection was cut. */
  readonly wasCut: boolean;
  /** The stream below. Do not read from it or write to it. */
  readonly stream: IOStream;
  /**
   * Sends a pong that was not asked for (RFC 6455 §5.5.3), of at most 125 bytes.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  pong(data: string | Uint8Array): void;
  /** Ends the connection at once, without a closing handshake. Twice is fine. */
  terminate(): void;
}

/** How compression was agreed. */
export interface ShellCompression {
  readonly agreement: DeflateAgreement;
  readonly effort: DeflateEffort;
}

/** What became of a message that was sent to many. */
export type SharedResult = "sent" | "queued" | "dropped" | "skipped" | "closed";
