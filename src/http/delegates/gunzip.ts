/**
 * Unpacks a compressed body (gzip; for clients deflate and brotli, too) on its way to a delegate. What comes
 * out counts against the body limit (a kilobyte of gzip can hold a megabyte), and the delegate's promises
 * hold the unpacking back.
 *
 * It works in small synchronous steps, piece by piece: so the calls come in the order that the delegate was
 * promised, never a piece while it is busy with the one before, and most bodies need no promise at all. One
 * that unpacks to much more than came in lets the loop serve others in between.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { NO_BYTES } from "../../base/bytes.js";
import { DecodeError } from "../../base/decode-error.js";
import { Inflate, type InflateFormat } from "../../base/inflate.js";
import { HTTPInputError } from "../../protocol/fields/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { HTTP1Error } from "../../protocol/http1/errors.js";
import type { HTTPMessageDelegate } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";

/** The limits that matter here. They are looked at each time, since a handler may change its own. */
export interface GunzipLimits {
  /** Bytes of the unpacked body. */
  readonly maxBodySize: number;
  /** Bytes handed on at once. */
  readonly chunkSize: number;
}

/** The codings that can be unpacked, in HTTP's words. */
export type BodyCoding = "gzip" | "deflate" | "br";

const GZIP = /^[ \t]*(?:x-)?gzip[ \t]*$/i;
/** How many bytes are unpacked before the loop goes on with other work, about a millisecond later. */
const TURN_SIZE = 512 * 1024;

/**
 * Wraps `delegate` so that gzip bodies reach it unpacked, with the coding moved from Content-Encoding to
 * X-Consumed-Content-Encoding. Other bodies pass as they are. `fail` is called at most once: with an
 * {@link HTTPInputError} of status 413 or 400 when the body is over the limit, corrupt or truncated, or with
 * what the delegate threw.
 */
export function gunzipDelegate(
  delegate: HTTPMessageDelegate,
  loop: IOLoop,
  limits: GunzipLimits,
  fail: (error: unknown) => void,
): HTTPMessageDelegate {
  return new GunzipDelegate(delegate, loop, limits, fail);
}

/**
 * A delegate for a message whose head was received already, and whose body has this coding. `fail` is called
 * as by {@link gunzipDelegate}.
 */
export function inflateBody(
  coding: BodyCoding,
  delegate: HTTPMessageDelegate,
  loop: IOLoop,
  limits: GunzipLimits,
  fail: (error: unknown) => void,
): HTTPMessageDelegate {
  return new GunzipDelegate(delegate, loop, limits, fail, coding);
}

class GunzipDelegate implements HTTPMessageDelegate {
  readonly #delegate: HTTPMessageDelegate;
  readonly #loop: IOLoop;
  readonly #limits: GunzipLimits;
  readonly #fail: (error: unknown) => void;
  /** The coding of the body; `deflate` may be one of two formats, which its first octets show. */
  #coding: BodyCoding | undefined;
  #inflate: Inflate | undefined = undefined;
  /** What has come and is not unpacked yet. */
  #input: Buffer = NO_BYTES;
  #unpacked = 0;
  /** Nothing more is handed on. */
  #over = false;
  /** The delegate's `finish()` was called. */
  #finished = false;
  /** A half-close that was reported before the delegate had everything: it is passed on afterwards. */
  #halfClosed: ExchangeAbortedError | undefined = undefined;

  constructor(
    delegate: HTTPMessageDelegate,
    loop: IOLoop,
    limits: GunzipLimits,
    fail: (error: unknown) => void,
    coding?: BodyCoding,
  ) {
    this.#delegate = delegate;
    this.#coding = coding;
    this.#loop = loop;
    this.#limits = limits;
    this.#fail = fail;
  }

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    const coding = headers.get("Content-Encoding");
    if (coding !== undefined && GZIP.test(coding)) {
      headers.add("X-Consumed-Content-Encoding", coding);
      headers.delete("Content-Encoding");
      this.#coding = "gzip";
    }
    return this.#delegate.headersReceived(startLine, headers);
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.#coding === undefined) return this.#delegate.dataReceived(chunk);
    if (this.#over) return undefined;
    this.#input = chunk;
    this.#inflate ??= new Inflate(formatOf(this.#coding, chunk));
    const waiting = this.#unpack(this.#inflate);
    return waiting === undefined ? undefined : this.#goOn(this.#inflate, waiting);
  }

  finish(): void | Promise<void> {
    const inflate = this.#inflate;
    if (inflate === undefined) return this.#end();
    if (this.#over) return undefined;
    let waiting: void | Promise<void>;
    try {
      // Only now it shows whether the input was whole.
      waiting = this.#hand(inflate.finish());
    } catch (error) {
      this.#break(error);
      return undefined;
    }
    if (waiting === undefined) return this.#end();
    return waiting.then(
      () => (this.#over ? undefined : this.#end()),
      (error: unknown) => this.#break(error),
    );
  }

  onConnectionClose(): void {
    this.#close();
    this.#delegate.onConnectionClose();
  }

  onExchangeAborted(reason: ExchangeAbortedError): void {
    if (this.#finished) {
      this.#delegate.onExchangeAborted?.(reason);
    } else if (reason.reason === "half-closed") {
      this.#halfClosed = reason;
    } else {
      // For the one below, the message has not ended.
      this.onConnectionClose();
    }
  }

  /** Hands on one piece after the other, until the input is used up or the delegate makes it wait. */
  #unpack(inflate: Inflate): void | Promise<void> {
    const turnEnds = this.#unpacked + TURN_SIZE;
    const { chunkSize } = this.#limits;
    try {
      while (!this.#over) {
        const { output, used } = inflate.step(this.#input, chunkSize);
        this.#input = this.#input.subarray(used);
        const waiting = this.#hand(output);
        if (waiting !== undefined) return waiting;
        // A piece that is not full was the last. What is left then stands behind the end and means nothing.
        if (output.length < chunkSize) break;
        if (this.#unpacked >= turnEnds) return new Promise((resolve) => this.#loop.addCallback(resolve));
      }
    } catch (error) {
      this.#break(error);
    }
    return undefined;
  }

  async #goOn(inflate: Inflate, first: Promise<void>): Promise<void> {
    try {
      await first;
      while (!this.#over) {
        const waiting = this.#unpack(inflate);
        if (waiting === undefined) return;
        await waiting;
      }
    } catch (error) {
      this.#break(error);
    }
  }

  /** Hands a piece to the delegate; throws if that is too much. */
  #hand(piece: Buffer): void | Promise<void> {
    if (piece.length === 0) return undefined;
    this.#unpacked += piece.length;
    const { maxBodySize } = this.#limits;
    if (this.#unpacked > maxBodySize) {
      throw new HTTP1Error(
        "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
        `the unpacked body is larger than ${maxBodySize} bytes`,
      );
    }
    return this.#delegate.dataReceived(piece);
  }

  /** The message is whole. */
  #end(): void | Promise<void> {
    this.#finished = true;
    this.#close();
    const result = this.#delegate.finish();
    if (this.#halfClosed !== undefined) this.#delegate.onExchangeAborted?.(this.#halfClosed);
    return result;
  }

  #break(error: unknown): void {
    if (this.#over) return;
    this.#close();
    this.#fail(error instanceof DecodeError ? badGzip(error) : error);
  }

  /** Lets zlib go. Calling it twice is fine. */
  #close(): void {
    this.#over = true;
    this.#input = NO_BYTES;
    this.#inflate?.close();
  }
}

/**
 * What HTTP calls deflate is the zlib format (RFC 9110 §8.4.1.2), but some servers send the bare one. The
 * first octet of zlib names the method 8, and its first window sizes; a bare stream hardly begins so.
 */
function formatOf(coding: BodyCoding, chunk: Buffer): InflateFormat {
  if (coding !== "deflate") return coding;
  return (chunk[0]! & 0x8f) === 0x08 ? "deflate" : "deflate-raw";
}

function badGzip(cause: DecodeError): HTTPInputError {
  return new HTTPInputError(`the gzip body is corrupt or truncated: ${cause.message}`, {
    code: "ERR_SQUALL_HTTP_BAD_GZIP",
    cause,
  });
}
