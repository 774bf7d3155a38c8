/**
 * Where the body of a response goes that comes from elsewhere than squall's own connections: see
 * `undici-client.ts`.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { ByteQueue } from "../../base/byte-queue.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import { HTTP1Error } from "../../protocol/http1/errors.js";
import type { HTTPMessageDelegate } from "../delegates.js";
import { decoderFor } from "./decode.js";
import { ResponseStream } from "./response-stream.js";
import type { ClientSettings } from "./settings.js";

/** What a sink is told. */
export interface BodySinkOptions {
  readonly loop: IOLoop;
  readonly headers: HTTPHeaders;
  readonly unpacks: boolean;
  readonly callback: ((chunk: Buffer) => void | Promise<void>) | undefined;
  readonly streams: boolean;
  readonly settings: ClientSettings;
  /** Nothing more is wanted. */
  readonly giveUp: (error: Error | undefined) => void;
}

/** Unpacks a body, keeps its limit, and hands it on or gathers it. */
export class BodySink implements HTTPMessageDelegate {
  /** The body as a stream, if it was asked for so. */
  readonly stream: ResponseStream | undefined;
  readonly #chunks = new ByteQueue();
  readonly #callback: BodySinkOptions["callback"];
  readonly #decoder: HTTPMessageDelegate | undefined;
  readonly #maxSize: number;
  #size = 0;
  #failure: unknown = undefined;

  constructor(options: BodySinkOptions) {
    const { settings, giveUp, callback } = options;
    const isHeld = !options.streams && callback === undefined;
    this.#callback = callback;
    this.#maxSize = isHeld ? settings.maxBodySize : settings.maxStreamedSize;
    this.stream = options.streams
      ? new ResponseStream((reason) => giveUp(reason instanceof Error ? reason : undefined))
      : undefined;
    const limits = { maxBodySize: this.#maxSize, chunkSize: settings.params.chunkSize };
    this.#decoder = options.unpacks
      ? decoderFor(options.headers, this, options.loop, limits, (error) => {
          this.#failure ??= error;
        })
      : undefined;
  }

  /** Reads a body to its end; rejects with what is wrong with it, or what a callback throws. */
  async readFrom(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      this.#size += chunk.length;
      if (this.#size > this.#maxSize) {
        throw new HTTP1Error(
          "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
          `the body is larger than ${this.#maxSize} bytes`,
        );
      }
      await (this.#decoder ?? this).dataReceived(chunk);
      if (this.#failure !== undefined) throw this.#failure;
    }
    await (this.#decoder ?? this).finish();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What was gathered, to be taken once. */
  body(): Buffer {
    return this.#chunks.takeAll();
  }

  headersReceived(): void {}

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.stream !== undefined) return this.stream.push(chunk);
    if (this.#callback !== undefined) return this.#callback(chunk);
    this.#chunks.push(chunk);
    return undefined;
  }

  finish(): void {
    this.stream?.end();
  }

  onConnectionClose(): void {}
}
