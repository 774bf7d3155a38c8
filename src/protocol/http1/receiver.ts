/**
 * The receiving half of HTTP/1 (RFC 9112): bytes in, calls on a {@link MessageVisitor} out. No sockets,
 * timers or promises; the connection shell feeds it and steers it.
 *
 *     HEAD → BODY → TRAILERS → END ─┬→ HEAD    the next request, or the response behind an interim one
 *       ↑      (as the framing says) ├→ HELD    another protocol follows: kept for detach()
 *       │                            ├→ IDLE    client: until expectResponse() nothing may come
 *       │                            ├→ STRAY   client: bytes that no request asked for have come
 *       │                            └→ CLOSED  the connection ends with this message
 *       └─ expectResponse() ─ IDLE → STRAY → CLOSED
 *
 * CLOSED is also where an error and {@link HTTP1Receiver.detach} lead: whatever comes then is dropped. How a
 * body ends is the business of its reader (`body-readers.ts`).
 *
 * The visitor may call any method of the receiver from inside any call. To make that safe, one rule holds:
 * before the visitor is called, the receiver's fields already say what is true after the call.
 */
import { ByteQueue } from "../../base/byte-queue.js";
import { copyApart } from "../../base/bytes.js";
import { InvalidStateError } from "../../base/errors.js";
import { checkLimit } from "../../base/validate.js";
import type { RawFields } from "../fields/raw-fields.js";
import type { BodyReader } from "./body-reader.js";
import { BODY_READERS } from "./body-readers.js";
import { HTTP1Error } from "./errors.js";
import { FieldFacts } from "./framing.js";
import { type HeadKind, HeadScanner, MORE } from "./head-scanner.js";
import type { HTTP1Limits } from "./limits.js";
import { PartialHead } from "./partial-head.js";
import { buildRequestHead } from "./request-head.js";
import { buildResponseHead } from "./response-head.js";
import { buildTrailers } from "./trailers.js";
import type { BodyFraming, HTTP1RequestHead, HTTP1ResponseHead, MessageVisitor } from "./visitor.js";

const HEAD = 0;
const BODY = 1;
const TRAILERS = 2;
const END = 3;
const HELD = 4;
const IDLE = 5;
const STRAY = 6;
const CLOSED = 7;

const EMPTY = Buffer.alloc(0);

/** Which side of the connection the receiver is on: a server reads requests, a client reads responses. */
export type HTTP1Role = "server" | "client";

/**
 * The scanner for blocks that arrive in one piece, which is nearly all of them: it is needed only during one
 * call. A block that stops in the middle takes it along, and the next block makes a new one.
 */
let spareScanner: HeadScanner | undefined;

/** The chunk that was lent last, the memory behind it, and that memory in words of four octets. */
let lentChunk: Buffer | undefined;
let lentMemory: ArrayBufferLike | undefined;
let lentWords: Int32Array | undefined;

/**
 * A lent chunk as words, for a scan of four octets a turn; undefined if it does not begin where its memory
 * does. Who lends uses the same memory again and again, so the view is there already.
 */
function wordsOf(chunk: Buffer): Int32Array | undefined {
  if (chunk === lentChunk) return lentWords;
  if (chunk.byteOffset !== 0) return undefined;
  lentChunk = chunk;
  if (chunk.buffer !== lentMemory) {
    lentMemory = chunk.buffer;
    lentWords = new Int32Array(lentMemory, 0, lentMemory.byteLength >> 2);
  }
  return lentWords;
}

/** Filled and read within one call, so one is enough for all receivers. */
const facts = new FieldFacts();

/** Reads all messages of one direction of a connection. */
export class HTTP1Receiver<H extends HTTP1RequestHead | HTTP1ResponseHead> {
  readonly #isServer: boolean;
  readonly #limits: HTTP1Limits;
  readonly #visitor: MessageVisitor<H>;

  #phase: number;
  #paused: boolean;
  /** True while the loop runs; calls from inside the visitor only leave notes for it. */
  #running: boolean;
  /** The peer's FIN has come, perhaps behind bytes that still wait. */
  #ended: boolean;

  /** What is being read, and from where on. */
  #chunk: Buffer;
  #offset: number;
  /** The chunk is the receiver's only during the call that brought it. */
  #isLent: boolean;
  /** What came behind it, while the receiver was paused or busy. */
  #waiting: ByteQueue | undefined;

  /** A head or trailer section that did not arrive in one piece. */
  #partial: PartialHead | undefined;
  #framing: BodyFraming;
  #contentLength: number;
  /** Made when the body begins. */
  #body: BodyReader | undefined;
  #maxBodySize: number;
  #trailers: RawFields | undefined;
  /** Where END leads. */
  #phaseAfter: number;

  /** Client: the method of the request under way. */
  #requestMethod: string;
  #informational: number;
  /** Client: the response that is being read ends the request (no 1xx other than 101). */
  #isFinal: boolean;

  constructor(role: HTTP1Role, limits: HTTP1Limits, visitor: MessageVisitor<H>) {
    this.#isServer = role === "server";
    this.#limits = limits;
    this.#visitor = visitor;
    this.#phase = this.#isServer ? HEAD : IDLE;
    this.#paused = false;
    this.#running = false;
    this.#ended = false;
    this.#chunk = EMPTY;
    this.#offset = 0;
    this.#isLent = false;
    this.#waiting = undefined;
    this.#partial = undefined;
    this.#framing = "none";
    this.#contentLength = -1;
    this.#body = undefined;
    this.#maxBodySize = limits.maxBodySize;
    this.#trailers = undefined;
    this.#phaseAfter = HEAD;
    this.#requestMethod = "";
    this.#informational = 0;
    this.#isFinal = false;
  }

  /**
   * Takes bytes from the peer and calls the visitor for what they mean. The receiver keeps the chunk: pieces
   * of it are handed out as body. Called while paused, or from inside the visitor, the bytes wait.
   */
  feed(chunk: Buffer): void {
    if (!this.#expects(chunk)) return;
    if (this.#chunk.length === 0 && this.#waiting === undefined) {
      this.#chunk = chunk;
      this.#offset = 0;
    } else {
      this.#queue(chunk);
    }
    this.#run();
  }

  /** {@link feed} for a chunk that is overwritten after the call: what is kept or handed out is copied. */
  feedLent(chunk: Buffer): void {
    if (!this.#expects(chunk)) return;
    if (this.#chunk.length > 0 || this.#waiting !== undefined) {
      this.#queue(copyApart(chunk));
      this.#run();
      return;
    }
    this.#chunk = chunk;
    this.#offset = 0;
    this.#isLent = true;
    try {
      this.#run();
    } finally {
      if (this.#isLent) this.#returnLent();
    }
  }

  /** False for bytes that change nothing. */
  #expects(chunk: Buffer): boolean {
    if (chunk.length === 0 || this.#phase >= STRAY) return false;
    if (this.#phase === IDLE) this.#phase = STRAY;
    return true;
  }

  #queue(chunk: Buffer): void {
    // The queue gathers small chunks: a peer that sends single bytes meanwhile costs a byte each, not an
    // object.
    this.#waiting ??= new ByteQueue();
    this.#waiting.push(chunk);
  }

  /** Keeps a copy of what was lent and not used. */
  #returnLent(): void {
    this.#isLent = false;
    if (this.#chunk === EMPTY) return;
    this.#chunk = copyApart(this.#chunk.subarray(this.#offset));
    this.#offset = 0;
  }

  /**
   * The peer's FIN. A body that lasts until close is complete now; a message that is not leads to
   * `onError(ERR_SQUALL_HTTP_INCOMPLETE)`, as does a client's request that got no response. Between messages,
   * and on a client that expects nothing, no call follows. While paused it waits behind the bytes. Calling
   * twice is fine.
   */
  feedEnd(): void {
    this.#ended = true;
    this.#run();
  }

  /** From now on the visitor is not called; bytes wait inside. Calling twice is fine. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on, at once and with what waited, unless called from inside the visitor: then after that call. */
  resume(): void {
    this.#paused = false;
    this.#run();
  }

  /** True between {@link pause} and {@link resume}. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Bytes that were fed and neither handed out nor dropped yet. */
  get bufferedBytes(): number {
    return (this.#partial?.length ?? 0) + this.#chunk.length - this.#offset + (this.#waiting?.length ?? 0);
  }

  /**
   * True when nothing of a next message has been seen; blank lines before a request do not count. On a client
   * also while a response is due of which nothing has come; compare {@link HTTP1Receiver.expectsNothing}.
   */
  get betweenMessages(): boolean {
    return (
      (this.#phase === HEAD || this.#phase === IDLE) &&
      this.#chunk.length === this.#offset &&
      this.#waiting === undefined &&
      (this.#partial === undefined || this.#partial.scanner.untouched)
    );
  }

  /** The limit for the body of the message in progress, in bytes. */
  get maxBodySize(): number {
    return this.#maxBodySize;
  }

  /**
   * Changes {@link maxBodySize} until this message ends; `Infinity` for no limit. Useful from `onHead` on,
   * until the body has gone over the old limit.
   */
  setMaxBodySize(bytes: number): void {
    this.#maxBodySize = checkLimit("maxBodySize", bytes);
  }

  /**
   * Stops for good and returns what was fed but not consumed, in one buffer (empty if there is nothing): the
   * first bytes of the protocol that follows. Calling again returns an empty buffer.
   */
  detach(): Buffer {
    const parts: Buffer[] = [];
    if (this.#partial !== undefined) parts.push(this.#partial.bytes.subarray(0, this.#partial.length));
    if (this.#offset < this.#chunk.length) parts.push(this.#own(this.#chunk.subarray(this.#offset)));
    if (this.#waiting !== undefined) parts.push(this.#waiting.takeAll());
    this.#close();
    return parts.length === 1 ? parts[0]! : parts.length === 0 ? EMPTY : Buffer.concat(parts);
  }

  /**
   * Client: true before the first request, and from the end of each response until {@link expectResponse}.
   * Bytes that come meanwhile lead to `onError(ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE)` as soon as the receiver
   * is not paused, and are never taken for the answer to a later request.
   */
  get expectsNothing(): boolean {
    return this.#phase === IDLE;
  }

  /**
   * Client: the next response answers a request with this method, which decides whether it has a body. Call
   * it once for each request, before its response can arrive. After bytes that no request asked for it
   * changes nothing: their error follows.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) on a server, while a response is due, and when no
   * response can come any more: after an error, a response that ends the connection, `detach()` or the FIN.
   */
  expectResponse(requestMethod: string): void {
    if (this.#phase === STRAY) return;
    if (this.#phase !== IDLE) {
      throw new InvalidStateError(
        this.#phase === CLOSED || this.#phase === HELD
          ? "no response can come on this connection any more"
          : "the response to the request before has not ended yet",
      );
    }
    this.#phase = HEAD;
    this.#requestMethod = requestMethod;
    this.#informational = 0;
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (!this.#paused && this.#step()) {
        // Each step makes one call or uses bytes up.
      }
    } finally {
      this.#running = false;
    }
    // A long pause must not keep a used-up chunk alive.
    if (this.#offset === this.#chunk.length) this.#chunk = EMPTY;
    if (this.#chunk === EMPTY) this.#offset = 0;
  }

  /** Takes the next step; false when that needs more input. */
  #step(): boolean {
    const phase = this.#phase;
    if (phase >= END) return this.#stepOutside(phase);
    if (phase === BODY && this.#body === undefined) {
      this.#beginBody();
      return true;
    }
    if (this.#offset === this.#chunk.length && !this.#takeNextChunk()) return this.#atEndOfInput();
    if (phase === HEAD) this.#readHead();
    else if (phase === BODY) this.#readBody(this.#body!);
    else this.#readTrailers();
    return true;
  }

  /** The phases that look at no input. */
  #stepOutside(phase: number): boolean {
    if (phase === END) {
      this.#endMessage();
      return true;
    }
    if (phase === STRAY) this.#fail(unexpectedResponse());
    if (phase === IDLE && this.#ended) this.#close();
    return false;
  }

  /** A view of the present chunk that may be kept. */
  #own(view: Buffer): Buffer {
    return this.#isLent ? copyApart(view) : view;
  }

  #takeNextChunk(): boolean {
    this.#offset = 0;
    this.#isLent = false;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#chunk = EMPTY;
      return false;
    }
    this.#chunk = waiting.takeChunk();
    if (waiting.length === 0) this.#waiting = undefined;
    return true;
  }

  /** All bytes are used up; if the FIN came behind them, says what that means. */
  #atEndOfInput(): boolean {
    if (!this.#ended) return false;
    if (this.#phase === BODY && this.#body?.endsWithInput === true) {
      this.#body = undefined;
      this.#phase = END;
      return true;
    }
    if (this.#isServer && this.betweenMessages) this.#close();
    else this.#fail(new HTTP1Error("ERR_SQUALL_HTTP_INCOMPLETE", this.#whereItEnded()));
    return false;
  }

  #whereItEnded(): string {
    if (this.#phase !== HEAD) return "the connection ended inside a body";
    if (this.betweenMessages) return "the connection ended before a response";
    return "the connection ended inside a header block";
  }

  #readHead(): void {
    let head: H;
    try {
      const scanner = this.#readBlock(this.#isServer ? "request" : "response");
      if (scanner === undefined) return;
      head = (
        this.#isServer
          ? buildRequestHead(scanner, facts)
          : buildResponseHead(scanner, facts, this.#requestMethod)
      ) as H;
      release(scanner);
      this.#beginMessage(head);
      if (!this.#isServer) this.#noteResponse(head as HTTP1ResponseHead);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#visitor.onHead(head);
  }

  /** Notes everything that the head says about what follows. */
  #beginMessage(head: H): void {
    this.#framing = head.framing;
    this.#contentLength = head.contentLength;
    this.#phaseAfter = head.keepAlive ? HEAD : CLOSED;
    this.#phase = head.framing === "none" ? END : BODY;
  }

  #noteResponse(head: HTTP1ResponseHead): void {
    this.#isFinal = head.upgrade || head.code >= 200;
    if (head.upgrade) {
      this.#phaseAfter = HELD;
    } else if (!this.#isFinal) {
      if (++this.#informational > this.#limits.maxInformational) throw tooManyInformational(this.#limits);
      this.#phaseAfter = HEAD;
    }
  }

  /** Scans on; the scanner with the whole block in it, or `undefined` when the input was not enough. */
  #readBlock(kind: HeadKind): HeadScanner | undefined {
    const chunk = this.#chunk;
    const start = this.#offset;
    if (this.#partial !== undefined) return this.#readOn(this.#partial, chunk, start);
    const scanner = spareScanner ?? new HeadScanner();
    scanner.begin(kind, this.#limits);
    const size = scanner.scan(chunk, start, chunk.length, this.#isLent ? wordsOf(chunk) : undefined);
    if (size === MORE) {
      spareScanner = undefined;
      this.#partial = new PartialHead(scanner, chunk, start);
      this.#offset = chunk.length;
      return undefined;
    }
    scanner.text = chunk.toString("latin1", start, start + size);
    this.#offset = start + size;
    return scanner;
  }

  #readOn(partial: PartialHead, chunk: Buffer, start: number): HeadScanner | undefined {
    const used = partial.add(chunk, start, this.#limits.maxHeaderSize);
    if (used === MORE) {
      this.#offset = chunk.length;
      return undefined;
    }
    this.#offset = start + used;
    this.#partial = undefined;
    return partial.scanner;
  }

  #beginBody(): void {
    const framing = this.#framing as Exclude<BodyFraming, "none">;
    try {
      this.#body = BODY_READERS[framing](this.#contentLength, this.#limits, this.#maxBodySize);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#body.done) this.#endBody(this.#body);
  }

  #readBody(body: BodyReader): void {
    let piece: Buffer | undefined;
    try {
      piece = body.read(this.#chunk, this.#offset, this.#maxBodySize);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#offset = body.position;
    if (body.done) this.#endBody(body);
    if (piece !== undefined) this.#visitor.onBody(this.#own(piece));
  }

  #endBody(body: BodyReader): void {
    this.#body = undefined;
    this.#phase = body.hasTrailers ? TRAILERS : END;
  }

  #readTrailers(): void {
    try {
      const scanner = this.#readBlock("trailers");
      if (scanner === undefined) return;
      this.#trailers = buildTrailers(scanner);
      release(scanner);
      this.#phase = END;
    } catch (error) {
      this.#fail(error);
    }
  }

  #endMessage(): void {
    const trailers = this.#trailers;
    this.#trailers = undefined;
    this.#maxBodySize = this.#limits.maxBodySize;
    this.#phase = this.#phaseAfter;
    if (!this.#isServer && this.#isFinal) this.#endResponse();
    if (this.#phase === CLOSED) this.#close();
    this.#visitor.onEnd(trailers);
  }

  /** What follows the last byte of a final response cannot belong to a request that was not sent yet. */
  #endResponse(): void {
    if (this.#phase !== HEAD) return;
    const isMoreHere = this.#offset < this.#chunk.length || this.#waiting !== undefined;
    this.#phase = isMoreHere ? STRAY : IDLE;
  }

  #fail(error: unknown): void {
    if (!(error instanceof HTTP1Error)) throw error;
    this.#close();
    this.#visitor.onError(error);
  }

  /** Takes no more input; what is there is dropped. */
  #close(): void {
    this.#phase = CLOSED;
    this.#chunk = EMPTY;
    this.#offset = 0;
    this.#waiting = undefined;
    this.#partial = undefined;
    this.#body = undefined;
  }
}

function release(scanner: HeadScanner): void {
  scanner.text = "";
  spareScanner = scanner;
}

function unexpectedResponse(): HTTP1Error {
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE",
    "the server sent bytes although no response was expected",
  );
}

function tooManyInformational(limits: HTTP1Limits): HTTP1Error {
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_TOO_MANY_INFORMATIONAL",
    `more than ${limits.maxInformational} informational responses to one request`,
  );
}
