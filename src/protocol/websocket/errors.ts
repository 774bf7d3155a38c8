/**
 * What can go wrong between two WebSocket endpoints. Each kind of violation has a stable code, and each code
 * has the close code and the reason that the close frame carries (RFC 6455 §7.4.1); the table below is the
 * whole list.
 *
 *     WebSocketError
 *     ├── WebSocketProtocolError    the peer broke a rule or a limit after the handshake
 *     ├── WebSocketHandshakeError   the opening handshake failed
 *     └── WebSocketClosedError      the caller sends on a connection that is closed or closing
 */
import { SquallError, type SquallErrorOptions } from "../../base/errors.js";

/** The codes of violations, each with the close code and the reason that the peer gets. */
export const WEBSOCKET_VIOLATIONS = {
  /**
   * A reserved bit that no agreed extension gives a meaning to (RFC 6455 §5.2), or on the wrong frame (RFC
   * 7692 §6).
   */
  ERR_SQUALL_WEBSOCKET_RESERVED_BITS: [1002, "reserved bit set"],
  /** One of the opcodes 3 to 7 and 11 to 15 (RFC 6455 §5.2). */
  ERR_SQUALL_WEBSOCKET_OPCODE: [1002, "unknown opcode"],
  /** A client's frame without mask, or a server's with one (RFC 6455 §5.1). */
  ERR_SQUALL_WEBSOCKET_MASK: [1002, "wrong masking"],
  /** A control frame that is fragmented or longer than 125 octets (RFC 6455 §5.5). */
  ERR_SQUALL_WEBSOCKET_CONTROL_FRAME: [1002, "invalid control frame"],
  /** A length in more octets than it needs (RFC 6455 §5.2). */
  ERR_SQUALL_WEBSOCKET_LENGTH: [1002, "length not minimal"],
  /** A continuation of nothing, or a new message inside another (RFC 6455 §5.4). */
  ERR_SQUALL_WEBSOCKET_FRAGMENTATION: [1002, "wrong fragmentation"],
  /**
   * A close frame with one octet of payload, or with a code that must not be sent (RFC 6455 §5.5.1, §7.4).
   */
  ERR_SQUALL_WEBSOCKET_CLOSE_FRAME: [1002, "invalid close frame"],
  /** A message, or the reason of a close frame, that is not UTF-8 (RFC 6455 §8.1). */
  ERR_SQUALL_WEBSOCKET_UTF8: [1007, "invalid UTF-8"],
  /** A compressed message that cannot be inflated (RFC 7692 §7.2.2). */
  ERR_SQUALL_WEBSOCKET_DEFLATE: [1007, "invalid compressed data"],
  /** A message over the limit, before or after inflating. */
  ERR_SQUALL_WEBSOCKET_MESSAGE_TOO_BIG: [1009, "message too big"],
} as const;

/** The code of a {@link WebSocketProtocolError}. */
export type WebSocketViolation = keyof typeof WEBSOCKET_VIOLATIONS;

/** The codes of squall's WebSocket errors. */
export type WebSocketErrorCode =
  | WebSocketViolation
  | "ERR_SQUALL_WEBSOCKET_CLOSED"
  | "ERR_SQUALL_WEBSOCKET_HANDSHAKE";

/**
 * The base class of the errors of WebSockets; its code, `ERR_SQUALL_WEBSOCKET_…`, says which. Tornado
 * `WebSocketError`.
 */
export class WebSocketError extends SquallError {
  static {
    this.prototype.name = "WebSocketError";
  }

  constructor(code: WebSocketErrorCode, message: string, options?: SquallErrorOptions) {
    super(code, message, options);
  }
}

/**
 * The peer broke a rule or a limit, and the connection has failed (RFC 6455 §7.1.7). `code` is one of
 * {@link WEBSOCKET_VIOLATIONS}, such as `ERR_SQUALL_WEBSOCKET_UTF8`.
 */
export class WebSocketProtocolError extends WebSocketError {
  static {
    this.prototype.name = "WebSocketProtocolError";
  }

  /** The close code that the peer gets (RFC 6455 §7.4.1). */
  readonly closeCode: number;
  /** The reason in the close frame. */
  readonly closeReason: string;

  constructor(code: WebSocketViolation, message: string, options?: SquallErrorOptions) {
    super(code, message, options);
    [this.closeCode, this.closeReason] = WEBSOCKET_VIOLATIONS[code];
  }
}

/** The connection is closed, or a close frame has been sent or received (`ERR_SQUALL_WEBSOCKET_CLOSED`). */
export class WebSocketClosedError extends WebSocketError {
  static {
    this.prototype.name = "WebSocketClosedError";
  }

  constructor(message = "the WebSocket is closed or closing", options?: SquallErrorOptions) {
    super("ERR_SQUALL_WEBSOCKET_CLOSED", message, options);
  }
}

/** What the constructor of {@link WebSocketHandshakeError} takes besides the message. */
export interface WebSocketHandshakeErrorOptions extends SquallErrorOptions {
  /** The status that a server answers; default 400. */
  readonly status?: number | undefined;
  /** The header fields that the answer needs, by name; default none. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/**
 * The opening handshake failed (`ERR_SQUALL_WEBSOCKET_HANDSHAKE`). A server answers with `status` and
 * `fields`; for a client `status` is that of an answer which is not 101, and 400 otherwise.
 */
export class WebSocketHandshakeError extends WebSocketError {
  static {
    this.prototype.name = "WebSocketHandshakeError";
  }

  /**
   * The status that a server answers: 400, 403 for a foreign origin, 426 for another version (RFC 6455
   * §4.2.2).
   */
  readonly status: number;
  /** Header fields of the answer, such as `Sec-WebSocket-Version` with status 426. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(message: string, options?: WebSocketHandshakeErrorOptions) {
    super("ERR_SQUALL_WEBSOCKET_HANDSHAKE", message, options);
    this.status = options?.status ?? 400;
    this.fields = options?.fields ?? {};
  }
}
