/**
 * `HTTPClient`, which blocks: for scripts and consoles. A thread fetches while this one waits in
 * `Atomics.wait`, so nothing else happens here meanwhile, no callback and no other socket.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { IOLoop } from "../../../async/ioloop.js";
import {
  InvalidArgumentError,
  InvalidStateError,
  SquallError,
  type SquallErrorCode,
} from "../../../base/errors.js";
import { HTTPHeaders } from "../../../protocol/fields/headers.js";
import type { FetchOptions } from "../async-client.js";
import { type FetchPhase, HTTPConnectError, HTTPStreamClosedError, HTTPTimeoutError } from "../errors.js";
import { HTTPRequest, type HTTPRequestOptions, isRequestOption } from "../request.js";
import { HTTPClientError, HTTPResponse } from "../response.js";
import type { AsyncHTTPClientOptions } from "../settings.js";
import type { BlockingAnswer, BlockingQuestion, BlockingSetup } from "./protocol.js";

/**
 * Options of {@link HTTPClient}: those of the client that its thread uses, as far as they can be copied, and
 * one more.
 */
export interface HTTPClientOptions
  extends Omit<AsyncHTTPClientOptions, "forceInstance" | "ioLoop" | "resolver"> {
  /** The implementation, by a name as `AsyncHTTPClient.configure()` takes it; default squall's own. */
  readonly asyncClientClass?: string | undefined;
}

/** What may cross into the thread of options that a request has: callbacks, jars and signals stay here. */
function copiable(request: HTTPRequest): HTTPRequestOptions {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request)) {
    if (isRequestOption(name) && value !== undefined) options[name] = value;
  }
  if (request.body !== undefined) options.body = request.body;
  return options as HTTPRequestOptions;
}

/** A client that blocks. */
export class HTTPClient implements Disposable {
  readonly #answers = new Int32Array(new SharedArrayBuffer(4));
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #closed = false;

  /**
   * Starts the thread.
   * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for an option that cannot be copied into it.
   */
  constructor(options: HTTPClientOptions = {}) {
    const { asyncClientClass, ...rest } = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const setup: BlockingSetup = {
      answers: this.#answers,
      port: port2,
      implementation: asyncClientClass,
      options: rest,
    };
    try {
      this.#worker = new Worker(new URL("./worker.js", import.meta.url), {
        workerData: setup,
        transferList: [port2],
        execArgv: [],
      });
    } catch (error) {
      throw notCopiable(error);
    }
    this.#worker.unref();
    this.#port.unref();
  }

  /**
   * Fetches a URL, with the options of `HTTPRequest`, or an `HTTPRequest`, and returns when the response is
   * there.
   *
   * @throws HTTPClientError (ERR_SQUALL_HTTP_CLIENT) and its subclasses, as `AsyncHTTPClient.fetch()`
   * rejects.
   * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for an option that cannot be copied into a
   * thread, such as a callback or a signal.
   * @throws InvalidStateError (ERR_SQUALL_INVALID_STATE) while the thread's loop is running, whose other work
   * would stand still, and after {@link HTTPClient.close}.
   */
  fetch(request: string | URL | HTTPRequest, options: FetchOptions = {}): HTTPResponse {
    if (this.#closed) throw new InvalidStateError("fetch() was called on a closed HTTP client");
    if (IOLoop.current({ instance: false })?.running === true) {
      throw new InvalidStateError("HTTPClient would block the loop that is running; use AsyncHTTPClient");
    }
    const { raiseError = true, ...rest } = options;
    const asked = request instanceof HTTPRequest ? request : new HTTPRequest(request, rest);
    const answer = this.#ask({
      url: asked.url,
      options: copiable(asked),
      fields: asked.ownHeaders === undefined ? undefined : [...asked.ownHeaders.toRaw()],
    });
    if (answer.error !== undefined) throw restored(answer.error);
    const { code, fields, body, ...more } = answer.response!;
    const response = new HTTPResponse(asked, code, {
      ...more,
      headers: HTTPHeaders.fromRaw(fields),
      buffer: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    });
    if (raiseError) response.rethrow();
    return response;
  }

  /** Ends the thread. Calling it twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    void this.#worker.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #ask(question: BlockingQuestion): BlockingAnswer {
    const before = Atomics.load(this.#answers, 0);
    try {
      this.#port.postMessage(question);
    } catch (error) {
      throw notCopiable(error);
    }
    Atomics.wait(this.#answers, 0, before);
    const received = receiveMessageOnPort(this.#port) as { message: BlockingAnswer } | undefined;
    if (received === undefined) throw new InvalidStateError("the thread of the HTTP client gave no answer");
    return received.message;
  }
}

function notCopiable(cause: unknown): InvalidArgumentError {
  return new InvalidArgumentError("an option cannot be copied into the thread of a blocking client", {
    cause,
  });
}

/** An error of the thread, as one of this one. */
function restored(error: NonNullable<BlockingAnswer["error"]>): Error {
  const { name, code, message, cause } = error;
  const reason = error.reason ?? message;
  const phase = error.phase as FetchPhase | undefined;
  const options =
    cause === undefined ? {} : { cause: Object.assign(new Error(cause.message), { code: cause.code }) };
  switch (name) {
    case "HTTPTimeoutError":
      return new HTTPTimeoutError(reason, phase, options);
    case "HTTPConnectError":
      return new HTTPConnectError(reason, phase ?? "connect", options);
    case "HTTPStreamClosedError":
      return new HTTPStreamClosedError(reason, { ...options, phase });
    case "InvalidArgumentError":
      return new InvalidArgumentError(message, options);
    default:
      if (name.startsWith("HTTP")) {
        return new HTTPClientError(599, reason, undefined, { ...options, code: code as SquallErrorCode });
      }
      return new SquallError(
        code.startsWith("ERR_SQUALL_") ? (code as SquallErrorCode) : "ERR_SQUALL_HTTP_CLIENT",
        message,
        options,
      );
  }
}
