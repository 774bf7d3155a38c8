/** The payload of a close frame (RFC 6455 §5.5.1): nothing, or a code of two octets and a reason in UTF-8. */
import { NO_BYTES } from "../../base/bytes.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { isCloseCode, NO_STATUS, NORMAL_CLOSURE } from "./close-codes.js";
import { WebSocketProtocolError } from "./errors.js";
import { MAX_CONTROL_PAYLOAD } from "./opcodes.js";
import { BOUNDARY, checkUtf8 } from "./utf8.js";

/** The longest reason, in bytes of UTF-8: what the code leaves of a control frame. */
export const MAX_REASON_SIZE: number = MAX_CONTROL_PAYLOAD - 2;

/** What a close frame says. */
export interface CloseStatus {
  /** The code; 1005 when the frame had none. */
  readonly code: number;
  /** The reason, often empty. */
  readonly reason: string;
}

/** Reads the payload of a close frame; the error of the violation if it is malformed. */
export function readClosePayload(payload: Buffer): CloseStatus | WebSocketProtocolError {
  if (payload.length === 0) return { code: NO_STATUS, reason: "" };
  if (payload.length === 1) {
    return new WebSocketProtocolError(
      "ERR_SQUALL_WEBSOCKET_CLOSE_FRAME",
      "the payload of a close frame must be empty or begin with a code of two octets, got one octet",
    );
  }
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) {
    return new WebSocketProtocolError(
      "ERR_SQUALL_WEBSOCKET_CLOSE_FRAME",
      `a close frame must not hold the code ${code}`,
    );
  }
  if (checkUtf8(BOUNDARY, payload, 2, payload.length) !== BOUNDARY) {
    return new WebSocketProtocolError(
      "ERR_SQUALL_WEBSOCKET_UTF8",
      "the reason of a close frame must be valid UTF-8",
    );
  }
  return { code, reason: payload.toString("utf8", 2) };
}

/**
 * The payload of a close frame. Without a code it is empty; a reason without a code goes with 1000, as in
 * Tornado.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a close frame may not hold the code, or
 *   the reason is longer than 123 bytes.
 */
export function closePayload(code: number | undefined, reason: string | undefined): Buffer {
  if (code === undefined && (reason === undefined || reason === "")) return NO_BYTES;
  const sent = code ?? NORMAL_CLOSURE;
  if (!Number.isInteger(sent) || !isCloseCode(sent)) {
    throw new InvalidArgumentError(
      `a close code must be one of 1000 to 1003, 1007 to 1014 and 3000 to 4999, got ${sent}`,
    );
  }
  const text = Buffer.from(reason ?? "");
  if (text.length > MAX_REASON_SIZE) {
    throw new InvalidArgumentError(
      `the reason of a close frame has at most ${MAX_REASON_SIZE} bytes, got ${text.length}`,
    );
  }
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(sent);
  payload.set(text, 2);
  return payload;
}
