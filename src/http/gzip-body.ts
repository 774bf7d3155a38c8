/**
 * Unpacks a body that comes with `Content-Encoding: gzip` on its way to a delegate. What comes out counts against
 * the body limit (a kilobyte of gzip can hold a megabyte), and the delegate's promises hold the unpacking back.
 */
import { createGunzip, type Gunzip } from "node:zlib";
import type { IOLoop } from "../async/ioloop.js";
import { HTTPInputError } from "../protocol/fields/errors.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../protocol/fields/start-line.js";
import { HTTP1Error } from "../protocol/http1/errors.js";
import type { HTTPMessageDelegate } from "./delegates.js";

/** The limits that matter here. */
export interface GunzipLimits {
  /** Bytes of the unpacked body. */
  readonly maxBodySize: number;
  /** Bytes handed on at once. */
  readonly chunkSize: number;
}

const GZIP = /^[ \t]*(?:x-)?gzip[ \t]*$/i;

/**
 * Wraps `delegate` so that gzip bodies reach it unpacked, with the coding moved from Content-Encoding to
 * X-Consumed-Content-Encoding. Other bodies pass as they are. `fail` is called at most once, with an
 * {@link HTTPInputError} of status 413 or 400, when the body is over the limit, corrupt or truncated.
 */
export function gunzipDelegate(
  delegate: HTTPMessageDelegate,
  loop: IOLoop,
  limits: GunzipLimits,
  fail: (error: unknown) => void,
): HTTPMessageDelegate {
  return new GunzipDelegate(delegate, loop, limits, fail);
}

class GunzipDelegate implements HTTPMessageDelegate {
  readonly #delegate: HTTPMessageDelegate;
  readonly #loop: IOLoop;
  readonly #limits: GunzipLimits;
  readonly #fail: (error: unknown) => void;
  #gunzip: Gunzip | undefined = undefined;
  #unpacked = 0;
  #received = false;
  #over = false;
  /** Settles what is being waited for when the unpacking ends early. */
  #wake: (() => void) | undefined = undefined;

  constructor(
    delegate: HTTPMessageDelegate,
    loop: IOLoop,
    limits: GunzipLimits,
    fail: (error: unknown) => void,
  ) {
    this.#delegate = delegate;
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
      this.#open();
    }
    return this.#delegate.headersReceived(startLine, headers);
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    const gunzip = this.#gunzip;
    if (gunzip === undefined) return this.#delegate.dataReceived(chunk);
    if (this.#over) return undefined;
    this.#received = true;
    return this.#working((done) => gunzip.write(chunk, done));
  }

  finish(): void | Promise<void> {
    const gunzip = this.#gunzip;
    if (gunzip === undefined) return this.#delegate.finish();
    if (this.#over) return undefined;
    if (!this.#received) {
      this.#end();
      return this.#delegate.finish();
    }
    // Only the end of the input shows whether it was whole.
    return this.#working((done) => {
      gunzip.once("end", done);
      gunzip.end();
    }).then(() => {
      if (this.#over) return undefined;
      this.#end();
      return this.#delegate.finish();
    });
  }

  onConnectionClose(): void {
    this.#end();
    this.#delegate.onConnectionClose();
  }

  onExchangeAborted(reason: Parameters<NonNullable<HTTPMessageDelegate["onExchangeAborted"]>>[0]): void {
    this.#end();
    this.#delegate.onExchangeAborted?.(reason);
  }

  /** Runs one step of zlib, which works on another thread that the loop cannot see. */
  #working(step: (done: () => void) => void): Promise<void> {
    const promise = new Promise<void>((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      step(done);
    });
    this.#loop.external(promise);
    return promise;
  }

  #open(): void {
    const gunzip = createGunzip({ chunkSize: Math.max(64, this.#limits.chunkSize) });
    this.#gunzip = gunzip;
    gunzip.on("data", (chunk: Buffer) => this.#hand(chunk));
    gunzip.on("error", (cause: Error) =>
      this.#break(
        new HTTPInputError(`the gzip body is corrupt or truncated: ${cause.message}`, {
          code: "ERR_SQUALL_HTTP_BAD_GZIP",
          cause,
        }),
      ),
    );
  }

  #hand(chunk: Buffer): void {
    if (this.#over) return;
    this.#unpacked += chunk.length;
    if (this.#unpacked > this.#limits.maxBodySize) {
      this.#break(
        new HTTP1Error(
          "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
          `the unpacked body is larger than ${this.#limits.maxBodySize} bytes`,
        ),
      );
      return;
    }
    let waiting: void | Promise<void>;
    try {
      waiting = this.#delegate.dataReceived(chunk);
    } catch (error) {
      this.#break(error);
      return;
    }
    if (waiting === undefined) return;
    this.#gunzip?.pause();
    waiting.then(
      () => this.#gunzip?.resume(),
      (error: unknown) => this.#break(error),
    );
  }

  #break(error: unknown): void {
    if (this.#over) return;
    this.#end();
    this.#fail(error);
  }

  /** Lets zlib go; whatever waits is released. Calling it twice is fine. */
  #end(): void {
    this.#over = true;
    this.#gunzip?.destroy();
    this.#wake?.();
  }
}
