/**
 * Frames to bytes (RFC 6455 §5.2): pure functions, of the shortest length form, one frame for one message.
 *
 * What a server sends is not masked. Head and small payload leave as one string or one buffer, because a
 * second write costs more than a copy; a large payload is sent behind its head without a copy. ASCII text
 * goes as a string of octets, which is the cheapest write that Node has. A client must mask, and therefore
 * copy, so its frame is always one buffer.
 */

import { byteLength } from "../../base/bytes.js";
import { maskInPlace } from "./mask.js";
import { randomMaskKey } from "./mask-key.js";
import { MASKED, type WebSocketRole } from "./opcodes.js";

/** Where frames go; `IOStream` is one. */
export interface FrameOutput {
  /** Takes text or bytes; false when more than the high-water mark is queued. */
  send(data: string | Uint8Array, encoding?: "latin1" | "utf8"): boolean;
  /** What is sent between these two leaves in one write; optional. */
  cork?(): void;
  uncork?(): void;
}

/**
 * Up to this many bytes of payload are joined with the head: Node writes strings of up to 16 KiB from the
 * stack.
 */
const JOIN_LIMIT = 16_000;

const SHORT_LENGTH = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** How many octets the head of a frame has (RFC 6455 §5.2). */
export function frameHeadSize(length: number, isMasked: boolean): number {
  return (length <= SHORT_LENGTH ? 2 : length <= 0xffff ? 4 : 10) + (isMasked ? 4 : 0);
}

/**
 * Writes the head of a frame at the beginning of `target` and returns its size. `first` is the first octet
 * (FIN, reserved bits, opcode); `key` is the masking key, `undefined` for none.
 */
export function writeFrameHead(
  target: Buffer,
  first: number,
  length: number,
  key: number | undefined,
): number {
  const masked = key === undefined ? 0 : MASKED;
  let at = 2;
  target[0] = first;
  if (length <= SHORT_LENGTH) {
    target[1] = masked | length;
  } else if (length <= 0xffff) {
    target[1] = masked | LENGTH_16;
    target[2] = length >>> 8;
    target[3] = length & 0xff;
    at = 4;
  } else {
    target[1] = masked | LENGTH_64;
    target.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    target.writeUInt32BE(length % 2 ** 32, 6);
    at = 10;
  }
  if (key !== undefined) at = target.writeInt32BE(key, at);
  return at;
}

/** The head of a frame without mask, one character for each octet. */
export function frameHeadText(first: number, length: number): string {
  if (length <= SHORT_LENGTH) return String.fromCharCode(first, length);
  if (length <= 0xffff) return String.fromCharCode(first, LENGTH_16, length >>> 8, length & 0xff);
  const head = Buffer.allocUnsafe(10);
  return head.toString("latin1", 0, writeFrameHead(head, first, length, undefined));
}

/**
 * A whole frame in one buffer. `key` is the masking key, `undefined` for none. The payload stays as it is.
 */
export function encodeFrame(first: number, payload: string | Uint8Array, key?: number | undefined): Buffer {
  const length = byteLength(payload);
  const frame = Buffer.allocUnsafe(frameHeadSize(length, key !== undefined) + length);
  const at = writeFrameHead(frame, first, length, key);
  if (typeof payload !== "string") frame.set(payload, at);
  else frame.write(payload, at, length === payload.length ? "latin1" : "utf8");
  if (key !== undefined) maskInPlace(frame, at, frame.length, key, 0);
  return frame;
}

/**
 * Sends one frame; what the last `send` returned. `newKey` makes the masking keys of a client, random unless
 * a test needs to know them.
 */
export function sendFrame(
  out: FrameOutput,
  role: WebSocketRole,
  first: number,
  payload: string | Uint8Array,
  newKey: () => number = randomMaskKey,
): boolean {
  if (role === "client") return out.send(encodeFrame(first, payload, newKey()));
  if (typeof payload === "string") return sendText(out, first, payload);
  if (payload.length <= JOIN_LIMIT) return out.send(encodeFrame(first, payload));
  out.cork?.();
  out.send(frameHeadText(first, payload.length), "latin1");
  const hasRoom = out.send(payload);
  out.uncork?.();
  return hasRoom;
}

function sendText(out: FrameOutput, first: number, text: string): boolean {
  const length = byteLength(text);
  const isAscii = length === text.length;
  if (length <= JOIN_LIMIT) {
    if (isAscii) return out.send(frameHeadText(first, length) + text, "latin1");
    return out.send(encodeFrame(first, text));
  }
  out.cork?.();
  out.send(frameHeadText(first, length), "latin1");
  const hasRoom = out.send(text, isAscii ? "latin1" : "utf8");
  out.uncork?.();
  return hasRoom;
}
