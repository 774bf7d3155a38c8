/**
 * A squall application behind a WSGI server: gunicorn, mod_wsgi, uWSGI.
 *
 * The WSGI server calls `squall_wsgi.adapter.WSGIAdapter` (`interop/python`), which speaks HTTP/1.1 with
 * squall over a unix socket. That socket is for its owner alone, so what the Python side says about the
 * client in X-Real-Ip and X-Scheme is believed. A squall process that was started by the Python side ends
 * with it: its standard input is a pipe that ends.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import {
  HTTPServer,
  type HTTPServerCallback,
  type HTTPServerOptions,
} from "../../http/server/http-server.js";
import { bindUnixSocket } from "../../net/listen.js";
import { whenInputEnds } from "../../net/process/foreground.js";

/** Where the Python side expects the program that it starts to listen. */
const SOCKET_VARIABLE = "SQUALL_WSGI_SOCKET";

/** Options of {@link WSGIAdapter}: those of its `HTTPServer`. */
export type WSGIAdapterOptions = Omit<
  HTTPServerOptions,
  "xheaders" | "sslOptions" | "protocol" | "trustedDownstream"
>;

/**
 * Lets a WSGI server host an application.
 *
 * ```ts
 * // app.js; in Python: application = WSGIAdapter(command=["node", "app.js"])
 * await new WSGIAdapter(new Application([["/", MainHandler]])).listen();
 * ```
 *
 * Handlers may wait, stream and learn that their client has left. WebSockets cannot pass a WSGI server.
 * Tornado 4 `wsgi.WSGIAdapter`, whose handlers had to finish at once.
 */
export class WSGIAdapter {
  /** What answers. */
  readonly application: HTTPServerCallback;
  readonly #server: HTTPServer;
  #stopped: Promise<void> | undefined = undefined;

  /**
   * `application` is an `Application`, another connection delegate, or a function of the request. Nothing is
   * started.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for another application or an invalid
   * option.
   */
  constructor(application: HTTPServerCallback, options: WSGIAdapterOptions = {}) {
    this.application = application;
    this.#server = new HTTPServer(application, { ...options, xheaders: true });
  }

  /** The folder that has to be in Python's `PYTHONPATH`, so that `squall_wsgi` can be imported. */
  static get pythonPath(): string {
    return dirname(fileURLToPath(new URL("../python/start_worker.py", import.meta.url)));
  }

  /**
   * Listens on a unix socket, which its owner alone may connect to, and resolves when it does. Without `path`
   * it is where the Python side that has started this program expects it, and the program stops and exits
   * with status 0 when that is gone.
   *
   * Rejects with an `InvalidArgumentError` without `path` in a program that the Python side has not started,
   * with an `InvalidStateError` after `stop()`, and with the system's error. Several calls listen on several
   * sockets.
   */
  async listen(path?: string): Promise<void> {
    if (this.#stopped !== undefined) throw new InvalidStateError("the adapter has been stopped");
    const where = path ?? process.env[SOCKET_VARIABLE];
    if (where === undefined) {
      throw new InvalidArgumentError(
        `listen() needs the path of a socket; only a program that squall_wsgi.adapter has started finds one in ${SOCKET_VARIABLE}`,
      );
    }
    this.#server.addSockets([await bindUnixSocket(where, { mode: 0o600 })]);
    if (path === undefined) {
      whenInputEnds(() => {
        void this.stop().then(() => process.exit(0));
      });
    }
  }

  /**
   * Stops listening and waits for running requests as {@link HTTPServer.closeAllConnections} does, 30 s
   * unless `timeout` (in milliseconds) says otherwise. Calling it twice is fine.
   */
  stop(options: { readonly timeout?: number | undefined } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options);
    return this.#stopped;
  }

  async #stop(options: { readonly timeout?: number | undefined }): Promise<void> {
    await this.#server.stop();
    await this.#server.closeAllConnections(options);
  }
}
