/**
 * Frames: what squall and a Python worker say to each other on a channel.
 * `interop/python/squall_wsgi/frames.py` is the other end and lists which frames follow which.
 *
 * A frame is an octet that says what it is, the length of its payload (32 bits, big-endian), and the payload.
 * The payload of DATA is handed on as it arrives, so its length costs no memory; every other payload is
 * gathered, within a limit.
 */
import { ByteQueue } from "../../base/byte-queue.js";

/** What a frame is. */
export const FrameType: {
  readonly HEAD: 1;
  readonly DATA: 2;
  readonly END: 3;
  readonly ABORT: 4;
  readonly CONFIG: 5;
  readonly EXCEPTION: 6;
  readonly ERRORS: 7;
  readonly READY: 8;
  readonly FAILED: 9;
} = {
  HEAD: 1,
  DATA: 2,
  END: 3,
  ABORT: 4,
  CONFIG: 5,
  EXCEPTION: 6,
  ERRORS: 7,
  READY: 8,
  FAILED: 9,
};

/** One of the values of {@link FrameType}. */
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const HEADER_SIZE = 5;

/** The longest payload that is gathered: the head of a response, a traceback, text for the log. */
export const MAX_PAYLOAD: number = 4 * 1024 * 1024;

/** The header of a frame whose payload of `length` octets follows. */
export function frameHeader(type: FrameType, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_SIZE);
  header[0] = type;
  header.writeUInt32BE(length, 1);
  return header;
}

/** A whole frame; a text payload counts as UTF-8. */
export function encodeFrame(type: FrameType, payload: string | Uint8Array = ""): Buffer {
  const length = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const frame = Buffer.allocUnsafe(HEADER_SIZE + length);
  frame[0] = type;
  frame.writeUInt32BE(length, 1);
  if (typeof payload === "string") frame.write(payload, HEADER_SIZE);
  else frame.set(payload, HEADER_SIZE);
  return frame;
}

/** What a {@link FrameReader} calls, synchronously, from `feed()`. */
export interface FrameVisitor {
  /** A frame that is not DATA is whole. */
  onFrame(type: FrameType, payload: Buffer): void;
  /** A piece of the payload of a DATA frame, never empty. The buffer may be kept. */
  onPiece(piece: Buffer): void;
  /** What came is no frame. Nothing is called after it. */
  onBroken(reason: string): void;
}

/** Cuts what arrives on a channel into frames, however it was cut on its way. */
export class FrameReader {
  readonly #visitor: FrameVisitor;
  readonly #queue = new ByteQueue();
  /** The frame whose payload comes next; undefined while a header is awaited. */
  #type: FrameType | undefined = undefined;
  /** How much of its payload is still to come. */
  #left = 0;
  #broken = false;

  constructor(visitor: FrameVisitor) {
    this.#visitor = visitor;
  }

  /** Takes the next bytes in; they must not be changed afterwards. */
  feed(chunk: Buffer): void {
    if (this.#broken) return;
    const queue = this.#queue;
    queue.push(chunk);
    while (!this.#broken) {
      if (this.#type === undefined) {
        if (queue.length < HEADER_SIZE) return;
        this.#readHeader(queue.take(HEADER_SIZE));
      } else if (this.#type === FrameType.DATA) {
        if (this.#left === 0) {
          this.#type = undefined;
          continue;
        }
        if (queue.length === 0) return;
        const piece = queue.takeChunk(this.#left);
        this.#left -= piece.length;
        this.#visitor.onPiece(piece);
      } else {
        if (queue.length < this.#left) return;
        const type = this.#type;
        this.#type = undefined;
        this.#visitor.onFrame(type, queue.take(this.#left));
      }
    }
  }

  #readHeader(header: Buffer): void {
    const type = header[0]!;
    const length = header.readUInt32BE(1);
    if (type < FrameType.HEAD || type > FrameType.FAILED) {
      this.#fail(`a frame of the type ${type}`);
    } else if (type !== FrameType.DATA && length > MAX_PAYLOAD) {
      this.#fail(`a frame of ${length} bytes, more than ${MAX_PAYLOAD}`);
    } else {
      this.#type = type as FrameType;
      this.#left = length;
    }
  }

  #fail(reason: string): void {
    this.#broken = true;
    this.#queue.clear();
    this.#visitor.onBroken(reason);
  }
}
