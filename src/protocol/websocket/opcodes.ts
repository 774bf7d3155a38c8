/**
 * The first octet of a frame (RFC 6455 §5.2): FIN, three reserved bits and the opcode.
 *
 *      0   1   2   3   4 … 7
 *     FIN RSV RSV RSV  opcode
 *          1   2   3
 *
 * RSV1 on the first frame of a message says that the message is compressed (RFC 7692 §6). The other two have
 * no meaning in any extension that squall speaks.
 */

/** This frame is the last of its message. */
export const FIN = 0x80;
/** The message is compressed, where permessage-deflate was agreed. */
export const RSV1 = 0x40;
/** The reserved bits without meaning. */
export const RSV2_RSV3 = 0x30;
/** The bits of the opcode. */
export const OPCODE_BITS = 0x0f;
/** The bit of the second octet that says that a masking key follows. */
export const MASKED = 0x80;

/** A further frame of the message that has begun. */
export const CONTINUATION = 0x0;
/** The first frame of a message of text (UTF-8). */
export const TEXT = 0x1;
/** The first frame of a message of bytes. */
export const BINARY = 0x2;
/** The peer will send nothing more. */
export const CLOSE = 0x8;
/** Asks for a pong with the same payload. */
export const PING = 0x9;
/** Answers a ping, or says that the sender is alive. */
export const PONG = 0xa;

/** The opcodes of control frames (RFC 6455 §5.5). */
export type ControlOpcode = typeof CLOSE | typeof PING | typeof PONG;

/** Control frames carry at most this many octets (RFC 6455 §5.5). */
export const MAX_CONTROL_PAYLOAD = 125;

/** Which end of the connection this is: a client masks what it sends, a server does not (RFC 6455 §5.1). */
export type WebSocketRole = "server" | "client";
