/**
 * One request on its way to a Python application and back.
 *
 *     waiting ── a channel ──► running ── the response is whole, or cannot be ──► over
 *     waiting ── 503, or the client leaves ──► over
 *
 * A response of a known length is whole with its last octet, before the application has ended it: what goes
 * wrong there concerns the log alone.
 *
 * Bodies flow in both directions as they come. A channel that is behind holds the request's body back, and a
 * client that is behind the channel.
 */
import { Deferred, RESOLVED } from "../../async/deferred.js";
import { appLog } from "../../base/log.js";
import { shorten } from "../../base/shorten.js";
import { sendBareStatus } from "../../http/delegates/bare-response.js";
import { addDefaultFields } from "../../http/delegates/default-fields.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../../http/delegates.js";
import type { ExchangeAbortedError } from "../../http/errors.js";
import { HTTPServerRequest } from "../../http/request.js";
import { trimWhitespace } from "../../protocol/fields/abnf.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import { forbidsContent } from "../../protocol/message/content.js";
import { CLIENT_LEFT, logResponse } from "../../web/application/access-log.js";
import type { ChannelUser, WorkerChannel } from "./channel.js";
import { environOf } from "./environ.js";
import { lastLine, WSGIApplicationError } from "./errors.js";
import type { WSGISettings } from "./options.js";
import type { Applicant, WorkerPool } from "./pool.js";

/** How soon a client may try again that was refused because there is no free thread, in seconds. */
const RETRY_AFTER = "1";

/** See the head of this file. */
export class WSGIExchange implements HTTPMessageDelegate, Applicant, ChannelUser {
  readonly #pool: WorkerPool;
  readonly #settings: WSGISettings;
  readonly #connection: HTTPConnection;
  readonly #serverConnection: unknown;
  #request: HTTPServerRequest | undefined;
  #environ = "";
  #state: "waiting" | "running" | "over" = "waiting";
  #channel: WorkerChannel | undefined = undefined;
  /** What holds the request back: there is no channel yet, or no room in it. */
  #hold: Deferred | undefined = undefined;
  #head: { readonly line: ResponseStartLine; readonly headers: HTTPHeaders } | undefined = undefined;
  /** The head has been sent. */
  #begun = false;
  /** How many octets Content-Length leaves; Infinity without it. */
  #left = Number.POSITIVE_INFINITY;
  /** The body of the request is whole. */
  #received = false;
  /** What the access log gets. */
  #status = CLIENT_LEFT;
  #done: Deferred | undefined = undefined;

  constructor(
    pool: WorkerPool,
    connection: HTTPConnection,
    serverConnection: unknown,
    request?: HTTPServerRequest | undefined,
  ) {
    this.#pool = pool;
    this.#settings = pool.settings;
    this.#connection = connection;
    this.#serverConnection = serverConnection;
    this.#request = request;
  }

  /** Serves a request whose body is there already. Resolves when it has been answered. */
  async serve(request: HTTPServerRequest): Promise<void> {
    this.#connection.onAbort((reason) => this.onExchangeAborted(reason));
    this.#done = new Deferred();
    await this.#begin(request);
    if (request.body.length > 0) await this.dataReceived(request.body);
    this.finish();
    await this.#done.promise;
  }

  // --- the request -----------------------------------------------------------------------------------------

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    return this.#begin(
      new HTTPServerRequest({
        startLine: startLine as RequestStartLine,
        headers,
        connection: this.#connection,
        serverConnection: this.#serverConnection,
      }),
    );
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.#state !== "running" || this.#channel?.sendBody(chunk) !== false) return;
    this.#hold = new Deferred();
    return this.#hold.promise;
  }

  finish(): void {
    this.#received = true;
    this.#channel?.endBody();
    this.#finishIfWhole();
  }

  onConnectionClose(): void {
    this.#abandon();
  }

  onExchangeAborted(reason: ExchangeAbortedError): void {
    // A client that has ended its side may still read; if it does not, writing will show it.
    if (reason.reason !== "half-closed") this.#abandon();
  }

  #begin(request: HTTPServerRequest): void | Promise<void> {
    this.#request = request;
    const environ =
      request.method === "CONNECT" ? undefined : environOf(request, this.#settings.scriptName, {});
    if (environ === undefined) {
      this.#answer(request.method === "CONNECT" ? 501 : 404);
      return;
    }
    const { threads, workers } = this.#settings;
    const flags = `"wsgi.multithread":${threads > 1},"wsgi.multiprocess":${workers > 1}`;
    // The flags are no texts, and a copy of the environment with them would cost twice as much.
    this.#environ = `{${flags},${JSON.stringify(environ).slice(1)}`;
    this.#pool.apply(this);
    if (this.#state !== "waiting") return;
    this.#hold = new Deferred();
    return this.#hold.promise;
  }

  onChannel(channel: WorkerChannel): void {
    this.#state = "running";
    this.#channel = channel;
    channel.begin(this, this.#environ, this.#settings.requestTimeout);
    this.#environ = "";
    this.#release();
  }

  onRefused(reason: "full" | "late" | "stopped" | "failed"): void {
    const headers = new HTTPHeaders();
    if (reason === "full" || reason === "late") headers.set("Retry-After", RETRY_AFTER);
    this.#answer(503, headers);
  }

  onRoom(): void {
    this.#release();
  }

  #release(): void {
    const hold = this.#hold;
    this.#hold = undefined;
    hold?.resolve();
  }

  // --- the response ----------------------------------------------------------------------------------------

  onHead(text: string): void {
    try {
      const [status = "", ...fields] = text.split("\n");
      this.#head = { line: statusLineOf(status), headers: this.#headersOf(status, fields) };
    } catch (error) {
      this.#broken("A head that cannot be passed on", error);
    }
  }

  onPiece(piece: Buffer): void {
    if (this.#state !== "running" || this.#head === undefined) return;
    try {
      const room = this.#begun ? this.#connection.write(piece) : this.#writeHead(piece);
      if (room !== RESOLVED) this.#waitForClient(room);
      this.#left -= piece.length;
      this.#finishIfWhole();
    } catch (error) {
      this.#broken("A response that cannot be passed on", error);
    }
  }

  onEnd(): void {
    if (this.#state !== "running") return;
    if (this.#head === undefined) {
      this.#broken("A response without a head", new WSGIApplicationError("END came before HEAD"));
      return;
    }
    try {
      if (!this.#begun) void this.#writeHead();
      this.#connection.finish();
      this.#over();
    } catch (error) {
      this.#broken("A response that cannot be passed on", error);
    }
  }

  onException(traceback: string): void {
    const error = new WSGIApplicationError(lastLine(traceback), traceback.trimEnd());
    this.#broken("Uncaught exception", error);
  }

  onOverdue(): void {
    this.#fail(504);
  }

  onLost(): void {
    this.#fail(502);
  }

  #finishIfWhole(): void {
    // An application may send all of its response, and read on.
    if (this.#state !== "running" || this.#left !== 0 || !this.#received) return;
    this.#connection.finish();
    this.#over();
  }

  #writeHead(piece?: Buffer): Promise<void> {
    const { line, headers } = this.#head!;
    if (piece !== undefined) this.#left = Number(headers.get("Content-Length") ?? Number.POSITIVE_INFINITY);
    const written = this.#connection.writeHeaders(line, headers, piece);
    this.#begun = true;
    this.#status = line.code;
    return written;
  }

  #waitForClient(room: Promise<void>): void {
    const channel = this.#channel;
    channel?.hold(true);
    room.then(
      () => {
        if (this.#channel === channel) channel?.hold(false);
      },
      () => this.#abandon(),
    );
  }

  /** The fields of the application, checked, and those that every response has. */
  #headersOf(status: string, fields: readonly string[]): HTTPHeaders {
    const given = new HTTPHeaders();
    // Spaces around a value do not belong to it (RFC 9110 §5.5); Django sets its cookies with one.
    for (let i = 0; i < fields.length; i += 2) given.add(fields[i]!, trimWhitespace(fields[i + 1] ?? ""));
    const headers = new HTTPHeaders();
    const { ioLoop, serverHeader } = this.#connection;
    addDefaultFields(headers, serverHeader, ioLoop, ioLoop.time());
    headers.update(given);
    const code = Number(status.slice(0, 3));
    if (!headers.has("Content-Type") && !forbidsContent(code)) {
      headers.set("Content-Type", "text/html; charset=UTF-8");
    }
    return headers;
  }

  /** The application did something wrong: the log says what. */
  #broken(what: string, error: unknown): void {
    const { method, uri } = this.#request!;
    appLog.exception("%s from %s for %s %s", what, this.#settings.application, method, shorten(uri), error);
    this.#fail(500);
  }

  /** Answers with a status if nothing was sent yet, else breaks the response off. */
  #fail(code: number): void {
    if (this.#state === "over") return;
    this.#channel?.abandon();
    if (!this.#begun) {
      this.#answer(code);
      return;
    }
    this.#status = code;
    this.#connection.close();
    this.#over();
  }

  #answer(code: number, headers?: HTTPHeaders): void {
    this.#status = code;
    try {
      sendBareStatus(this.#connection, code, headers);
    } catch (error) {
      appLog.exception("a %d could not be sent", code, error);
      this.#connection.close();
    }
    this.#over();
  }

  #abandon(): void {
    if (this.#state === "over") return;
    if (this.#state === "waiting") this.#pool.leave(this);
    this.#channel?.abandon();
    this.#status = CLIENT_LEFT;
    this.#over();
  }

  #over(): void {
    this.#state = "over";
    this.#channel?.hold(false);
    this.#channel = undefined;
    this.#release();
    const request = this.#request;
    if (request !== undefined) {
      request.markFinished();
      logResponse(this.#status, request);
    }
    this.#done?.resolve();
  }
}

function statusLineOf(status: string): ResponseStartLine {
  const code = Number(status.slice(0, 3));
  if (!Number.isInteger(code) || code < 200 || code > 599) {
    throw new WSGIApplicationError(`the status ${JSON.stringify(status)} is not one from 200 to 599`);
  }
  return { version: "HTTP/1.1", code, reason: status.slice(4) || reasonPhrase(code) };
}
