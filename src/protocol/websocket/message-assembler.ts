/**
 * Messages from data frames (RFC 6455 §5.4, §5.6): fragments are joined, text is checked and decoded,
 * compressed payload goes through the inflater.
 *
 *     state                    a first frame              a continuation             the final frame's end
 *     NONE                     TEXT, BINARY (+ RSV1)      violation                  –
 *     TEXT, BINARY (+ RSV1)    violation                  stays                      message, then NONE
 *     ENDED                    –                          –                          –
 *
 * Memory is that of the message and no more. The limit is checked at the head of each frame, before its
 * payload comes, and again while inflating. A message that lies whole in one chunk becomes text, or a view of
 * the chunk, without a copy. One that a frame announces whole, and of which much comes at once, is copied
 * into memory of its size. Others gather in a `ByteQueue`, where small fragments cost their bytes instead of
 * an object each, and empty ones nothing. A piece of a chunk that is lent, or that would keep a much larger
 * chunk in memory, is copied out of it.
 */
import { isAscii as isAsciiBytes } from "node:buffer";
import { ByteQueue } from "../../base/byte-queue.js";
import { copyApart, keepable, NO_BYTES } from "../../base/bytes.js";
import { WebSocketProtocolError, type WebSocketViolation } from "./errors.js";
import type { FrameVisitor } from "./frame-decoder.js";
import { maxCompressedSize } from "./limits.js";
import type { InflatedOutput, MessageInflater } from "./message-codec.js";
import { CONTINUATION, type ControlOpcode, RSV1, TEXT } from "./opcodes.js";
import { BOUNDARY, checkUtf8, INVALID } from "./utf8.js";

/** What an assembler calls; its connection is one. */
export interface MessageOwner {
  /** A whole message: text, or bytes that may be kept. */
  onMessage(data: string | Buffer, isBinary: boolean): void;
  /** A control frame, which may come between the fragments of a message. */
  onControlFrame(opcode: ControlOpcode, payload: Buffer): void;
  /** The peer broke a rule or a limit. */
  onViolation(error: WebSocketProtocolError): void;
  /** The inflater is at work: no frame may be taken in until {@link MessageOwner.onInflaterReady}. */
  onInflaterBusy(): void;
  onInflaterReady(): void;
}

const NONE = 0;
const ENDED = 0x80;

/** Shorter text is looked at here; for longer text the platform's check is worth a view. */
const LOOP_LIMIT = 48;
/**
 * A message gets its memory at once when its first piece is at least this part of it: a peer cannot make us
 * reserve more than so many times what it has sent.
 */
const PART = 4;
/** Pieces up to this size are copied by the queue itself. */
const GATHERED = 1024;

/** Joins frames into messages; a {@link FrameVisitor} for an open connection. */
export class MessageAssembler implements FrameVisitor, InflatedOutput {
  readonly #owner: MessageOwner;
  readonly #inflater: MessageInflater | undefined;
  readonly #maxMessageSize: number;
  /** NONE, or the opcode of the message in progress, with RSV1 if it is compressed. */
  #message = NONE;
  #isFinal = false;
  /** Payload octets announced by the frames of the message so far. */
  #received = 0;
  /** Octets of the message that have come out of the inflater. */
  #inflated = 0;
  /** The state of the check of text; a message that is handed over leaves it at BOUNDARY. */
  #utf8 = BOUNDARY;
  /** The inflater is at work on the last piece of the message. */
  #lastIsBusy = false;
  #pieces: ByteQueue | undefined;
  /** The memory of a message whose length is known, and how much of it is filled. */
  #whole: Buffer | undefined;
  #filled = 0;

  /** `inflater` is there if permessage-deflate was agreed. */
  constructor(owner: MessageOwner, maxMessageSize: number, inflater: MessageInflater | undefined) {
    this.#owner = owner;
    this.#maxMessageSize = maxMessageSize;
    this.#inflater = inflater;
  }

  /** Forgets the message in progress; what comes later from the inflater is dropped. */
  end(): void {
    this.#message = ENDED;
    this.#pieces = undefined;
    this.#whole = undefined;
  }

  onDataFrame(opcode: number, isFinal: boolean, isCompressed: boolean, length: number): void {
    if (opcode === CONTINUATION) {
      if (this.#message === NONE) {
        this.#violated(
          "ERR_SQUALL_WEBSOCKET_FRAGMENTATION",
          "a continuation must follow the beginning of a message",
        );
        return;
      }
    } else if (this.#message !== NONE) {
      this.#violated("ERR_SQUALL_WEBSOCKET_FRAGMENTATION", "a message must not begin inside another");
      return;
    } else {
      this.#message = isCompressed ? opcode | RSV1 : opcode;
      this.#received = 0;
      this.#inflated = 0;
    }
    this.#isFinal = isFinal;
    this.#received += length;
    const most = this.#message > RSV1 ? maxCompressedSize(this.#maxMessageSize) : this.#maxMessageSize;
    if (this.#received > most) this.#tooBig();
  }

  onPayload(
    chunk: Buffer,
    start: number,
    end: number,
    isEnd: boolean,
    isAscii: boolean | undefined,
    isLent: boolean,
  ): void {
    const isLast = isEnd && this.#isFinal;
    if (this.#message > RSV1) {
      const piece = chunk.subarray(start, end);
      if (start < end || isLast) this.#inflate(isLent ? copyApart(piece) : piece, isLast);
      return;
    }
    if (isLast && this.#received === end - start) {
      if (this.#message === TEXT) this.#wholeText(chunk, start, end, isAscii);
      else this.#deliver(keep(chunk.subarray(start, end), isLent), true);
      return;
    }
    if (start < end) {
      if (this.#message === TEXT && !this.#checkText(chunk, start, end, isAscii)) return;
      this.#gather(chunk, start, end, isLent);
    }
    if (isLast) this.#finish();
  }

  onControlFrame(opcode: ControlOpcode, payload: Buffer): void {
    this.#owner.onControlFrame(opcode, payload);
  }

  onViolation(error: WebSocketProtocolError): void {
    this.#owner.onViolation(error);
  }

  get room(): number {
    return this.#maxMessageSize - this.#inflated;
  }

  onInflated(bytes: Buffer): boolean {
    if (this.#message === ENDED) return false;
    this.#inflated += bytes.length;
    if (this.#inflated > this.#maxMessageSize) {
      this.#tooBig();
      return false;
    }
    if (this.#message === (TEXT | RSV1) && !this.#checkText(bytes, 0, bytes.length, undefined)) return false;
    this.#pieces ??= new ByteQueue();
    this.#pieces.push(bytes);
    return true;
  }

  onReady(): void {
    if (this.#message === ENDED) return;
    const wasLast = this.#lastIsBusy;
    this.#lastIsBusy = false;
    if (wasLast) this.#finish();
    this.#owner.onInflaterReady();
  }

  onInflateError(cause: unknown): void {
    if (this.#message === ENDED) return;
    const message = "a compressed message cannot be inflated";
    this.#owner.onViolation(new WebSocketProtocolError("ERR_SQUALL_WEBSOCKET_DEFLATE", message, { cause }));
  }

  #inflate(piece: Buffer, isLast: boolean): void {
    // The decoder lets RSV1 through only if there is an inflater.
    const isDone = this.#inflater!.inflate(piece, isLast, this);
    // A violation inside the call has ended everything.
    if (this.#message === ENDED) return;
    if (!isDone) {
      this.#lastIsBusy = isLast;
      this.#owner.onInflaterBusy();
    } else if (isLast) {
      this.#finish();
    }
  }

  /** A text that lies whole in one chunk. */
  #wholeText(chunk: Buffer, start: number, end: number, isAscii: boolean | undefined): void {
    if (isAscii ?? isAsciiRange(chunk, start, end))
      this.#deliver(chunk.toString("latin1", start, end), false);
    else if (checkUtf8(BOUNDARY, chunk, start, end) !== BOUNDARY) this.#invalidText();
    else this.#deliver(chunk.toString("utf8", start, end), false);
  }

  /** Checks a piece of text; false if it cannot be part of one. */
  #checkText(bytes: Buffer, start: number, end: number, isAscii: boolean | undefined): boolean {
    if (isAscii === true && this.#utf8 === BOUNDARY) return true;
    this.#utf8 = checkUtf8(this.#utf8, bytes, start, end);
    if (this.#utf8 !== INVALID) return true;
    this.#invalidText();
    return false;
  }

  /** Keeps a piece of a message that is not whole. */
  #gather(chunk: Buffer, start: number, end: number, isLent: boolean): void {
    const size = end - start;
    if (
      this.#pieces === undefined &&
      this.#isFinal &&
      this.#received <= PART * size &&
      this.#whole === undefined
    ) {
      this.#whole = Buffer.allocUnsafeSlow(this.#received);
      this.#filled = 0;
    }
    if (this.#whole !== undefined) {
      chunk.copy(this.#whole, this.#filled, start, end);
      this.#filled += size;
      return;
    }
    this.#pieces ??= new ByteQueue();
    const piece = chunk.subarray(start, end);
    const isGathered = size <= GATHERED && this.#pieces.length > 0;
    this.#pieces.push(isGathered && !isLent ? piece : keep(piece, isLent));
  }

  /** The message is whole: what has gathered is handed over. */
  #finish(): void {
    const bytes = this.#whole ?? this.#pieces?.takeAll() ?? NO_BYTES;
    if ((this.#message & TEXT) === 0) this.#deliver(bytes, true);
    else if (this.#utf8 !== BOUNDARY) this.#invalidText();
    else this.#deliver(bytes.toString("utf8"), false);
  }

  #deliver(data: string | Buffer, isBinary: boolean): void {
    // Reset first: the call may feed, pause or close.
    this.#message = NONE;
    this.#pieces = undefined;
    this.#whole = undefined;
    this.#owner.onMessage(data, isBinary);
  }

  #invalidText(): void {
    this.#violated("ERR_SQUALL_WEBSOCKET_UTF8", "a message of text must be valid UTF-8");
  }

  #tooBig(): void {
    this.#violated(
      "ERR_SQUALL_WEBSOCKET_MESSAGE_TOO_BIG",
      `a message must have at most ${this.#maxMessageSize} bytes`,
    );
  }

  #violated(code: WebSocketViolation, message: string): void {
    this.#owner.onViolation(new WebSocketProtocolError(code, message));
  }
}

/** A piece for keeping: copied if its memory is lent, or much larger. */
function keep(piece: Buffer, isLent: boolean): Buffer {
  return isLent ? copyApart(piece) : keepable(piece);
}

function isAsciiRange(bytes: Buffer, start: number, end: number): boolean {
  if (end - start >= LOOP_LIMIT) return isAsciiBytes(bytes.subarray(start, end));
  for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return false;
  return true;
}
