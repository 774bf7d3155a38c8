/**
 * The promise face of a stream's reading: one request at a time against the queue of received bytes. Made with the first
 * such read; a stream that is only ever consumed by a sink has none.
 */
import { cancellable, type Settle, type WaitOptions } from "../../async/cancel.js";
import type { ByteQueue } from "../../base/byte-queue.js";
import { InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { NOT_YET, type ReadRequest } from "./read-request.js";
import { StreamBufferFullError, StreamClosedError, UnsatisfiableReadError } from "./stream-errors.js";
import type { StreamSettings } from "./stream-settings.js";
import { quietRejection } from "./stream-waits.js";

/** What reading needs of the stream's machine (`stream-core.ts`). */
export interface ReadingHost {
  readonly settings: StreamSettings;
  /** Of the queued bytes, how many came when nobody was reading. */
  unasked: number;
  /** Whether no more bytes can come. */
  readonly inputOver: boolean;
  /** The queue of received bytes. */
  bytes(): ByteQueue;
  closedError(): StreamClosedError;
  /** Lets the socket deliver. */
  flow(): void;
  /** Nobody is reading any more: lets the socket wait if enough is queued. */
  restWhenAhead(): void;
  close(error: Error): void;
}

export class StreamReads {
  readonly #core: ReadingHost;
  #request: ReadRequest<unknown> | undefined = undefined;
  #settle: Settle<unknown> | undefined = undefined;
  #promise: Promise<unknown> | undefined = undefined;

  constructor(core: ReadingHost) {
    this.#core = core;
  }

  /** True while a read waits. */
  get pending(): boolean {
    return this.#request !== undefined;
  }

  read<T>(request: ReadRequest<T>, options: WaitOptions | undefined): Promise<T> {
    const core = this.#core;
    if (this.#request !== undefined) {
      return Promise.reject(new InvalidStateError("another read is pending: one read at a time"));
    }
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason);
    const queue = core.bytes();
    core.unasked = 0;
    let size: number;
    try {
      size = request.find(queue);
    } catch (error) {
      return Promise.reject(this.#giveUp(error as Error));
    }
    if (size !== NOT_YET) return Promise.resolve(request.take(queue, size));
    if (core.inputOver) {
      if (request.endsAtClose) return Promise.resolve(request.take(queue, queue.length));
      return quietRejection(core.closedError());
    }
    if (queue.length > core.settings.maxBufferSize) return quietRejection(this.#overflow());
    this.#request = request;
    core.flow();
    const promise = this.#wait(request, options);
    this.#promise = promise;
    return promise;
  }

  #wait<T>(request: ReadRequest<T>, options: WaitOptions | undefined): Promise<T> {
    const core = this.#core;
    if (options?.signal === undefined && options?.timeout === undefined) {
      return new Promise<T>((resolve, reject) => {
        this.#settle = { resolve, reject } as Settle<unknown>;
      });
    }
    return cancellable<T>(core.settings.ioLoop, "the read", options, (settle) => {
      this.#settle = settle as Settle<unknown>;
      return () => {
        if (this.#request !== request) return;
        this.#take();
        core.restWhenAhead();
      };
    });
  }

  /** More bytes are there. */
  progress(): void {
    const request = this.#request;
    if (request === undefined) return;
    const core = this.#core;
    const queue = core.bytes();
    let size: number;
    try {
      size = request.find(queue);
    } catch (error) {
      this.#take()?.reject(this.#giveUp(error as Error));
      return;
    }
    if (size !== NOT_YET) {
      this.#take()?.resolve(request.take(queue, size));
      core.restWhenAhead();
    } else if (queue.length > core.settings.maxBufferSize) {
      this.#take()?.reject(this.#overflow());
    }
  }

  /** No more bytes will come, because of `error` or in an orderly way. */
  end(error: Error | undefined): void {
    const request = this.#request;
    if (request === undefined) return;
    const promise = this.#promise;
    const settle = this.#take();
    if (request.endsAtClose && error === undefined) {
      const queue = this.#core.bytes();
      settle?.resolve(request.take(queue, queue.length));
    } else {
      // The other side decides when it leaves: a read that nobody awaits must not end the process for that.
      promise?.catch(ignore);
      settle?.reject(new StreamClosedError(error));
    }
  }

  #take(): Settle<unknown> | undefined {
    const settle = this.#settle;
    this.#request = undefined;
    this.#settle = undefined;
    this.#promise = undefined;
    return settle;
  }

  /** A read that nothing can satisfy any more closes the stream. */
  #giveUp(error: Error): Error {
    if (!(error instanceof UnsatisfiableReadError)) return error;
    genLog.info("Unsatisfiable read, closing connection: %s", error.message);
    this.#core.close(error);
    return error;
  }

  #overflow(): Error {
    const error = new StreamBufferFullError("read", this.#core.settings.maxBufferSize);
    genLog.error("Reached maximum read buffer size");
    this.#core.close(error);
    return new StreamClosedError(error);
  }
}

function ignore(): void {}
