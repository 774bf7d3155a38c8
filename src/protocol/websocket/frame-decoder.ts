/**
 * Frames from bytes (RFC 6455 §5.2): one loop over a numeric state.
 *
 *     state        reads                                         and then
 *     FIRST        the octet of FIN, reserved bits and opcode    SECOND
 *     SECOND       the octet of the mask bit and a length        LENGTH_16 (126), LENGTH_64 (127), else KEY
 *     LENGTH_16    two octets of length                          KEY
 *     LENGTH_64    eight octets of length                        KEY
 *     KEY          the masking key; a server's frame has none    PAYLOAD
 *     PAYLOAD      the payload, unless it is empty               FIRST
 *     STOPPED      nothing any more                              terminal
 *
 * stop() and a violation, which is reported once, lead from every state to STOPPED. A violation is found at
 * the octet that makes it one, before any payload is kept.
 *
 * Data frames are handed on piece by piece as they arrive: the decoder holds nothing of them. Control frames
 * are short, and are handed on whole; only one that is cut by the end of a chunk is copied. Time is linear in
 * the input, however it is split.
 *
 * The chunk belongs to the decoder, which removes masks in place; one that is lent does so during the call
 * alone. Pieces are given as positions in the chunk, since most payloads become text at once and need no view
 * of their own.
 */
import { ByteQueue } from "../../base/byte-queue.js";
import { copyApart, NO_BYTES } from "../../base/bytes.js";
import { WebSocketProtocolError, type WebSocketViolation } from "./errors.js";
import { maskInPlace } from "./mask.js";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type ControlOpcode,
  FIN,
  MASKED,
  MAX_CONTROL_PAYLOAD,
  OPCODE_BITS,
  PONG,
  RSV1,
  RSV2_RSV3,
  type WebSocketRole,
} from "./opcodes.js";

/** What a decoder calls, synchronously. During any call the owner may pause or stop the decoder. */
export interface FrameVisitor {
  /**
   * The head of a data frame: `opcode` is TEXT, BINARY or CONTINUATION, `length` the size of the payload. The
   * visitor may refuse the frame by stopping the decoder.
   */
  onDataFrame(opcode: number, isFinal: boolean, isCompressed: boolean, length: number): void;
  /**
   * The octets `start` to `end` of `chunk` are payload of the data frame, unmasked; `isEnd` says that the
   * frame ends with them. A frame without payload gets one call with an empty piece. `isAscii` says whether
   * every octet is ASCII, where unmasking has shown it; `undefined` otherwise. The chunk may be kept unless
   * it `isLent`: then it is overwritten after the call.
   */
  onPayload(
    chunk: Buffer,
    start: number,
    end: number,
    isEnd: boolean,
    isAscii: boolean | undefined,
    isLent: boolean,
  ): void;
  /** A control frame. The payload may be kept. */
  onControlFrame(opcode: ControlOpcode, payload: Buffer): void;
  /** The peer broke a rule; the decoder has stopped. */
  onViolation(error: WebSocketProtocolError): void;
}

const FIRST = 0;
const SECOND = 1;
const LENGTH_16 = 2;
const LENGTH_64 = 3;
const KEY = 4;
const PAYLOAD = 5;
const STOPPED = 6;

/** The longest payload whose length stands in the second octet. */
const SHORT_LENGTH = 125;
/** The value of the second octet that two octets of length follow; 127 means eight. */
const TWO_OCTETS = 126;
/** The least lengths that need two octets and eight (RFC 6455 §5.2: the shortest form must be used). */
const LEAST_16 = 126;
const LEAST_64 = 0x10000;
/** Set in the opcodes of control frames. */
const CONTROL_BIT = 0x08;

/** Turns the bytes of one direction of a connection into the calls of a {@link FrameVisitor}. */
export class FrameDecoder {
  readonly #expectsMask: boolean;
  readonly #allowsRsv1: boolean;
  #visitor: FrameVisitor;
  #state = FIRST;
  /** The first octet of the frame. */
  #first = 0;
  /** The length of the payload, as far as it has been read. */
  #length = 0;
  /** Octets that are still to come: of the length, the key, or the payload. */
  #missing = 0;
  #key = 0;
  /** The payload of a control frame that a chunk has cut. */
  #control: Buffer | undefined;
  #isPaused = false;
  #isRunning = false;
  /** The chunk that is being decoded may not be kept. */
  #isLent = false;
  /** What was fed while the decoder was paused or running. */
  #waiting: ByteQueue | undefined;

  /** `role` is the end that decodes. `allowsRsv1` says that permessage-deflate was agreed. */
  constructor(role: WebSocketRole, allowsRsv1: boolean, visitor: FrameVisitor) {
    this.#expectsMask = role === "server";
    this.#allowsRsv1 = allowsRsv1;
    this.#visitor = visitor;
  }

  /** All further calls go to another visitor, in the middle of a frame if that is where the input is. */
  setVisitor(visitor: FrameVisitor): void {
    this.#visitor = visitor;
  }

  /** True between {@link pause} and {@link resume}. */
  get paused(): boolean {
    return this.#isPaused;
  }

  /** How many bytes were fed and are not decoded yet. */
  get waitingBytes(): number {
    return this.#waiting?.length ?? 0;
  }

  /**
   * Takes bytes from the peer; the chunk belongs to the decoder from now on, or during the call if it
   * `isLent`. While the decoder is paused, and from inside the visitor, the bytes wait.
   */
  feed(chunk: Buffer, isLent: boolean): void {
    if (this.#state === STOPPED) return;
    if (this.#isPaused || this.#isRunning || this.#waiting !== undefined) {
      this.#waiting ??= new ByteQueue();
      this.#waiting.push(isLent ? copyApart(chunk) : chunk);
      return;
    }
    this.#run(chunk, isLent);
  }

  /** From now on the visitor is not called. Calling twice is fine. */
  pause(): void {
    this.#isPaused = true;
  }

  /**
   * Goes on with what waits, unless called from inside the visitor: then after that call. Calling twice is
   * fine.
   */
  resume(): void {
    this.#isPaused = false;
    if (this.#isRunning) return;
    while (this.#waiting !== undefined && !this.#isPaused && this.#state !== STOPPED) {
      const chunk = this.#waiting.takeChunk();
      if (this.#waiting.length === 0) this.#waiting = undefined;
      this.#run(chunk, false);
    }
  }

  /** The visitor is not called any more, and all input is dropped. Calling twice is fine. */
  stop(): void {
    this.#state = STOPPED;
    this.#waiting = undefined;
    this.#control = undefined;
  }

  #run(chunk: Buffer, isLent: boolean): void {
    this.#isRunning = true;
    this.#isLent = isLent;
    try {
      const used = this.#decode(chunk);
      if (used < chunk.length && this.#state !== STOPPED) {
        // Paused: what is left of the chunk comes before what was fed meanwhile.
        this.#waiting ??= new ByteQueue();
        const rest = chunk.subarray(used);
        this.#waiting.unshift(isLent ? copyApart(rest) : rest);
      }
    } finally {
      this.#isRunning = false;
    }
    if (this.#waiting !== undefined && !this.#isPaused) this.resume();
  }

  /** Reads until the chunk is used up, or the visitor pauses or stops; returns how much was used. */
  #decode(chunk: Buffer): number {
    const end = chunk.length;
    let at = 0;
    while (at < end && !this.#isPaused) {
      switch (this.#state) {
        case FIRST:
          this.#readFirst(chunk[at++]!);
          break;
        case SECOND:
          this.#readSecond(chunk[at++]!);
          break;
        case LENGTH_16:
          this.#length = (this.#length << 8) | chunk[at++]!;
          if (--this.#missing === 0) this.#checkLength(LEAST_16);
          break;
        case LENGTH_64:
          this.#length = this.#length * 256 + chunk[at++]!;
          if (--this.#missing === 0) this.#checkLength(LEAST_64);
          break;
        case KEY:
          if (this.#missing === 4 && end - at >= 4) {
            this.#key = chunk.readInt32BE(at);
            at += 4;
            this.#missing = 0;
          } else {
            this.#key = (this.#key << 8) | chunk[at++]!;
            this.#missing--;
          }
          if (this.#missing === 0) this.#beginPayload();
          break;
        case PAYLOAD:
          at = this.#readPayload(chunk, at, Math.min(end, at + this.#missing));
          break;
        default:
          return end;
      }
    }
    return at;
  }

  #readFirst(octet: number): void {
    const opcode = octet & OPCODE_BITS;
    const isControl = opcode >= CLOSE;
    if ((octet & RSV2_RSV3) !== 0 || ((octet & RSV1) !== 0 && (!this.#allowsRsv1 || isControl))) {
      this.#refuse(
        "ERR_SQUALL_WEBSOCKET_RESERVED_BITS",
        `the reserved bits must be 0, got ${(octet >> 4) & 7}`,
      );
    } else if (opcode > PONG || (opcode > BINARY && !isControl)) {
      this.#refuse("ERR_SQUALL_WEBSOCKET_OPCODE", `the opcode ${opcode} is not defined`);
    } else if (isControl && (octet & FIN) === 0) {
      this.#refuse("ERR_SQUALL_WEBSOCKET_CONTROL_FRAME", "a control frame must not be fragmented");
    } else if (opcode === CONTINUATION && (octet & RSV1) !== 0) {
      // RFC 7692 §6.1: the bit stands on the first frame of a message.
      this.#refuse("ERR_SQUALL_WEBSOCKET_RESERVED_BITS", "a continuation must not have RSV1 set");
    } else {
      this.#first = octet;
      this.#state = SECOND;
    }
  }

  #readSecond(octet: number): void {
    const length = octet & ~MASKED;
    if (((octet & MASKED) !== 0) !== this.#expectsMask) {
      const message = this.#expectsMask
        ? "a client must mask its frames, got one without mask"
        : "a server must not mask its frames, got one with a mask";
      this.#refuse("ERR_SQUALL_WEBSOCKET_MASK", message);
    } else if ((this.#first & CONTROL_BIT) !== 0 && length > MAX_CONTROL_PAYLOAD) {
      this.#refuse("ERR_SQUALL_WEBSOCKET_CONTROL_FRAME", "a control frame has at most 125 octets of payload");
    } else if (length > SHORT_LENGTH) {
      this.#length = 0;
      this.#missing = length === TWO_OCTETS ? 2 : 8;
      this.#state = length === TWO_OCTETS ? LENGTH_16 : LENGTH_64;
    } else {
      this.#length = length;
      this.#beginKey();
    }
  }

  #checkLength(least: number): void {
    if (this.#length < least) {
      this.#refuse(
        "ERR_SQUALL_WEBSOCKET_LENGTH",
        `a length must be in its shortest form, got ${this.#length} in ${least === LEAST_16 ? 2 : 8} octets`,
      );
    } else if (this.#length > Number.MAX_SAFE_INTEGER) {
      // This includes the lengths with the highest bit set, which must be 0: no limit could allow either.
      this.#refuse("ERR_SQUALL_WEBSOCKET_MESSAGE_TOO_BIG", "the length of a frame is 2^53 or more");
    } else {
      this.#beginKey();
    }
  }

  #beginKey(): void {
    if (this.#expectsMask) {
      this.#missing = 4;
      this.#state = KEY;
    } else {
      this.#beginPayload();
    }
  }

  #beginPayload(): void {
    const first = this.#first;
    const length = this.#length;
    this.#missing = length;
    this.#state = length === 0 ? FIRST : PAYLOAD;
    if ((first & CONTROL_BIT) !== 0) {
      if (length === 0) this.#visitor.onControlFrame((first & OPCODE_BITS) as ControlOpcode, NO_BYTES);
      return;
    }
    this.#visitor.onDataFrame(first & OPCODE_BITS, (first & FIN) !== 0, (first & RSV1) !== 0, length);
    if (length === 0 && this.#state !== STOPPED) this.#visitor.onPayload(NO_BYTES, 0, 0, true, true, false);
  }

  /** Hands on what the chunk has of the payload; returns where the rest begins. */
  #readPayload(chunk: Buffer, start: number, end: number): number {
    const isAscii = this.#expectsMask
      ? maskInPlace(chunk, start, end, this.#key, this.#length - this.#missing)
      : undefined;
    this.#missing -= end - start;
    const isEnd = this.#missing === 0;
    if (isEnd) this.#state = FIRST;
    if ((this.#first & CONTROL_BIT) !== 0) this.#readControl(chunk, start, end, isEnd);
    else this.#visitor.onPayload(chunk, start, end, isEnd, isAscii, this.#isLent);
    return end;
  }

  #readControl(chunk: Buffer, start: number, end: number, isEnd: boolean): void {
    let payload = this.#control;
    if (payload !== undefined || !isEnd) {
      payload ??= Buffer.allocUnsafe(this.#length);
      chunk.copy(payload, this.#length - this.#missing - (end - start), start, end);
      this.#control = payload;
      if (!isEnd) return;
      this.#control = undefined;
    } else {
      const view = chunk.subarray(start, end);
      payload = this.#isLent ? copyApart(view) : view;
    }
    this.#visitor.onControlFrame((this.#first & OPCODE_BITS) as ControlOpcode, payload);
  }

  #refuse(code: WebSocketViolation, message: string): void {
    this.stop();
    this.#visitor.onViolation(new WebSocketProtocolError(code, message));
  }
}
