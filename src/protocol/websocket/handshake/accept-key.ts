/** The proof that a server has read the handshake (RFC 6455 §4.1, §4.2.2): a key and what it becomes. */
import { createHash, randomBytes } from "node:crypto";

/** What every server appends (RFC 6455 §1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** 16 octets in base64: 22 characters, of which the last holds two bits, and the padding. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Whether `text` is the base64 of 16 octets (RFC 6455 §4.2.1, item 5). */
export function isWebSocketKey(text: string): boolean {
  return KEY.test(text);
}

/** A key of 16 random octets for the request of a client (RFC 6455 §4.1, item 7). */
export function newWebSocketKey(): string {
  return randomBytes(16).toString("base64");
}

/** The value of Sec-WebSocket-Accept for a key; text counts as UTF-8. Tornado `compute_accept_value`. */
export function acceptValue(key: string | Uint8Array): string {
  return createHash("sha1").update(key).update(GUID).digest("base64");
}
