/**
 * A Python WSGI application under squall's server.
 *
 * The application runs in processes of its own (`worker.ts`), which Python's threads and its lock need
 * anyway, so an error or a crash there costs one response and nothing else.
 */

import { InvalidArgumentError } from "../../base/errors.js";
import { checkMilliseconds } from "../../base/validate.js";
import type {
  HTTPConnection,
  HTTPMessageDelegate,
  HTTPServerConnectionDelegate,
} from "../../http/delegates.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { environOf, type WSGIEnviron } from "./environ.js";
import { WSGIExchange } from "./exchange.js";
import { resolveWSGIOptions, type WSGIContainerOptions, type WSGISettings } from "./options.js";
import { WorkerPool } from "./pool.js";

/**
 * Serves a Python WSGI application (PEP 3333): a whole server, the target of a rule, or a fallback.
 *
 * ```ts
 * const flask = new WSGIContainer("shop:app", { cwd: "/srv/shop", virtualenv: "/srv/shop/venv" });
 * await flask.start();
 * await new HTTPServer(flask).listen(8000);
 * // … or: new Application([["/new", NewHandler], [".*", FallbackHandler, { fallback: flask }]])
 * ```
 *
 * The bodies of requests and responses are streamed. Not on Windows. Tornado `wsgi.WSGIContainer`, whose
 * application is a Python object of the same process.
 */
export class WSGIContainer implements HTTPServerConnectionDelegate {
  readonly #settings: WSGISettings;
  readonly #pool: WorkerPool;

  /**
   * `application` is `package.module:callable`, where the callable may be an attribute of an object, or
   * `package.module:factory()`. Nothing is started.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an option that is unknown or of the
   * wrong type or range.
   */
  constructor(application: string, options: WSGIContainerOptions = {}) {
    this.#settings = resolveWSGIOptions(application, options);
    this.#pool = new WorkerPool(this.#settings);
  }

  /** The name of the application, as it was given. */
  get wsgiApplication(): string {
    return this.#settings.application;
  }

  /** How many processes run the application. */
  get workers(): number {
    return this.#settings.workers;
  }

  /** How many threads each of them has. */
  get threads(): number {
    return this.#settings.threads;
  }

  /** The process ids of the workers that have been started and have not ended. */
  get pids(): readonly number[] {
    return this.#pool.pids;
  }

  /** How many requests wait for a thread. */
  get waiting(): number {
    return this.#pool.waiting;
  }

  /**
   * Starts the workers and resolves when all have loaded the application; calling it twice is fine. The first
   * request starts them as well, but then a mistake is a 503 and a line in the log.
   *
   * Rejects with a {@link WSGIStartError} (`ERR_SQUALL_WSGI_START`) that names the option when the
   * interpreter, a folder, the module or the callable is missing, or the application cannot be imported in
   * time; no worker is left then, and `start()` may be called again. Rejects with an `InvalidStateError`
   * after {@link WSGIContainer.stop}.
   */
  start(): Promise<void> {
    return this.#pool.start();
  }

  /**
   * Ends the workers. Requests that run or wait get `timeout` milliseconds (default 30 s; 0: none;
   * `Infinity`: all that they need), new ones are answered with 503. Resolves when all processes are gone. A
   * second call sets the time anew.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an invalid time.
   */
  stop(options: { readonly timeout?: number | undefined } = {}): Promise<void> {
    return this.#pool.stop(checkMilliseconds("timeout", options.timeout ?? 30_000));
  }

  /** Stops without waiting for requests. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ timeout: 0 });
  }

  /** For servers and routers: who takes the request. */
  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    return new WSGIExchange(this.#pool, requestConnection, serverConnection);
  }

  /** Answers a request whose body is whole, for a `FallbackHandler`; resolves when it has been answered. */
  handle(request: HTTPServerRequest): Promise<void> {
    return this.handleRequest(request);
  }

  /** {@link WSGIContainer.handle} under Tornado's name `handle_request`. */
  async handleRequest(request: HTTPServerRequest): Promise<void> {
    const { connection } = request;
    if (connection === undefined)
      throw new InvalidArgumentError("the request has no connection to answer on");
    await new WSGIExchange(this.#pool, connection, request.serverConnection).serve(request);
  }

  /**
   * The WSGI environment of a request as far as it is text, that is, without `wsgi.input` and the like.
   * Undefined if the path of the request is not below `scriptName`.
   */
  environ(request: HTTPServerRequest): WSGIEnviron | undefined {
    return environOf(request, this.#settings.scriptName);
  }
}
