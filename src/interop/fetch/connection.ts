/** One exchange without a socket: the request is a `Request`, and the response becomes a `Response`. */
import { Deferred } from "../../async/deferred.js";
import { byteLength } from "../../base/bytes.js";
import type { Chunk } from "../../http/delegates.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { ResponseStartLine } from "../../protocol/fields/start-line.js";
import { isConnectionField } from "../connection-fields.js";
import { ForeignConnection } from "../foreign-connection.js";

/** Octets that wait in the response's stream before a writer is told to wait. */
const HIGH_WATER_MARK = 64 * 1024;

/** See the head of this file. */
export class FetchConnection extends ForeignConnection {
  readonly #response: Deferred<Response> = new Deferred<Response>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined = undefined;
  /** Writers that wait for the reader. */
  #room: Deferred | undefined = undefined;

  /** The response, once its head is there. Rejects if the exchange was broken off before. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  protected override sendHead(
    line: ResponseStartLine,
    headers: HTTPHeaders,
    body: "none" | "whole" | "stream",
    chunk: Chunk | undefined,
  ): boolean {
    const isStream = body === "stream";
    const response = new Response(isStream ? this.#makeStream() : contentOf(chunk), {
      status: line.code,
      statusText: line.reason,
    });
    addFields(response.headers, headers);
    this.#response.resolve(response);
    if (isStream && chunk !== undefined && byteLength(chunk) > 0) return this.sendPiece(chunk);
    return true;
  }

  protected override sendPiece(chunk: Chunk): boolean {
    const controller = this.#controller!;
    controller.enqueue(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    return (controller.desiredSize ?? 0) > 0;
  }

  protected override sendEnd(): void {
    this.#controller?.close();
    this.#release();
  }

  protected override breakOff(): void {
    const error = new StreamClosedError();
    this.#response.quiet().reject(error);
    this.#controller?.error(error);
    this.#room?.quiet().reject(error);
    this.#room = undefined;
  }

  protected override whenWritable(): Promise<void> {
    this.#room ??= new Deferred().quiet();
    return this.#room.promise;
  }

  #makeStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#release(),
        cancel: () => {
          this.#controller = undefined;
          this.leave();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_MARK }),
    );
  }

  #release(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }
}

/** Octets, since to a text Fetch adds a Content-Type that the application has not set. */
function contentOf(chunk: Chunk | undefined): Uint8Array | null {
  const octets = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  return octets === undefined || octets.length === 0 ? null : octets;
}

/**
 * Fields that repeat stay apart, as those of Set-Cookie must. They are added in place, since those that a
 * constructor is given are copied.
 */
function addFields(made: Headers, headers: HTTPHeaders): void {
  const fields = headers.toRaw();
  for (let i = 0; i < fields.length; i += 2) {
    if (!isConnectionField(fields[i]!)) made.append(fields[i]!, fields[i + 1]!);
  }
}
