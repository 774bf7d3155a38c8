/**
 * One request for a Fetch application.
 *
 *     head ──▶ running     the application has the request
 *     running ▶ sending    it has answered, and the body of its response is being read
 *     all ────▶ over       the response is complete, or cannot be any more
 */
import { isThenable } from "../../async/coroutine/yieldable.js";
import { RESOLVED } from "../../async/deferred.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { TimeoutError } from "../../base/errors.js";
import { appLog } from "../../base/log.js";
import { sendBareStatus } from "../../http/delegates/bare-response.js";
import { addDefaultFields } from "../../http/delegates/default-fields.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../../http/delegates.js";
import { ExchangeAbortedError } from "../../http/errors.js";
import { fetchMethod } from "../../http/fetch-method.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import { CLIENT_LEFT } from "../../web/application/access-log.js";
import { isConnectionField } from "../connection-fields.js";
import { announcesBody, logHosted } from "../hosted-request.js";
import { makeRequest, mayHaveBody } from "./request.js";
import { RequestAbort } from "./request-abort.js";
import { RequestBody } from "./request-body.js";
import { sourceOf } from "./response-source.js";
import type { FetchApplication, FetchInfo } from "./types.js";

/** What an exchange needs to know of its container. */
export interface FetchHost {
  /** What answers requests. */
  readonly application: FetchApplication;
  /** Milliseconds for an exchange, from its head to the end of the response. */
  readonly timeout: number;
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

/** See the head of this file. */
export class FetchExchange implements HTTPMessageDelegate {
  readonly #host: FetchHost;
  readonly #connection: HTTPConnection;
  readonly #serverConnection: unknown;
  readonly #abort = new RequestAbort();
  #startLine!: RequestStartLine;
  /** As Fetch has it; undefined for a method that it has no requests for. */
  #method: string | undefined = undefined;
  #headers!: HTTPHeaders;
  #body: RequestBody | undefined = undefined;
  #deadline: Timeout | undefined = undefined;
  /** Reads the body of the response. */
  #reader: BodyReader | undefined = undefined;
  #started = false;
  /** A part of the response has been sent. */
  #begun = false;
  #status = 0;
  #over = false;

  constructor(host: FetchHost, serverConnection: unknown, connection: HTTPConnection) {
    this.#host = host;
    this.#serverConnection = serverConnection;
    this.#connection = connection;
  }

  // --- the request -----------------------------------------------------------------------------------------

  headersReceived(startLine: RequestStartLine | ResponseStartLine, headers: HTTPHeaders): void {
    this.#startLine = startLine as RequestStartLine;
    this.#headers = headers;
    const method = fetchMethod(this.#startLine.method);
    this.#method = method;
    // Without a body its end comes in the same call, and the connection knows the request as whole when it
    // is answered.
    if (method === undefined || !mayHaveBody(method) || !announcesBody(headers)) return;
    this.#body = new RequestBody();
    this.#run();
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    return this.#over ? undefined : this.#body?.push(chunk);
  }

  finish(): void {
    if (this.#started) this.#body?.end();
    else this.#run();
  }

  onConnectionClose(): void {
    this.#leave(new ExchangeAbortedError("closed"));
  }

  /** A client that has ended its side may still read; if it does not, writing will show it. */
  onExchangeAborted(reason: ExchangeAbortedError): void {
    if (reason.reason === "half-closed") this.#abort.abort(reason);
    else this.#leave(reason);
  }

  #run(): void {
    this.#started = true;
    const { application, timeout } = this.#host;
    const method = this.#method;
    if (method === undefined) {
      this.#answer(501);
      return;
    }
    let request: Request;
    try {
      request = makeRequest(
        this.#connection,
        method,
        this.#startLine.path,
        this.#headers,
        this.#body?.stream,
        this.#abort,
      );
    } catch {
      // The head was checked as HTTP; URLs have rules of their own.
      this.#answer(400);
      return;
    }
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#deadline = this.#connection.ioLoop.callLater(timeout, () => this.#late(timeout));
    }
    try {
      const { remoteIp, protocol } = this.#connection.peer;
      const info: FetchInfo = { remoteIp, protocol };
      const answer = application(request, info);
      const { startTime, ioLoop } = this.#connection;
      // The clock is not read again for an answer that comes in the same call.
      if (!isThenable(answer)) this.#respond(answer, startTime ?? ioLoop.time());
      else {
        answer.then(
          (response) => this.#contained(() => this.#respond(response as Response, ioLoop.time())),
          (error: unknown) => this.#failed(error),
        );
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  // --- the response ----------------------------------------------------------------------------------------

  /** `time` is the loop's, as recent as the caller has it. */
  #respond(response: Response, time: number): void {
    if (this.#over) {
      cancelBody(response, "the exchange is over");
      return;
    }
    checkResponse(response);
    const { status } = response;
    this.#status = status;
    const { statusText } = response;
    const reason = statusText === "" ? reasonPhrase(status) : statusText;
    const line: ResponseStartLine = { version: "HTTP/1.1", code: status, reason };
    const headers = this.#headersOf(response, time);
    const source = sourceOf(response);
    if (source !== undefined) {
      this.#connection.respond(line, headers, source);
      this.#end(status);
      return;
    }
    const { body } = response;
    if (body === null) this.#respondEmpty(line, headers);
    else if (this.#startLine.method === "HEAD") {
      cancelBody(response, "the response to HEAD has no body");
      this.#respondEmpty(line, headers);
    } else {
      const reader = body.getReader() as BodyReader;
      this.#reader = reader;
      this.#send(line, headers, reader).catch((error: unknown) => this.#failed(error));
    }
  }

  /** An answer to HEAD without a length must not be given one: the length of the answer to GET is unknown. */
  #respondEmpty(line: ResponseStartLine, headers: HTTPHeaders): void {
    if (this.#startLine.method === "HEAD" && !headers.has("Content-Length")) {
      void this.#connection.writeHeaders(line, headers);
      this.#connection.finish();
    } else {
      this.#connection.respond(line, headers);
    }
    this.#end(line.code);
  }

  async #send(line: ResponseStartLine, headers: HTTPHeaders, reader: BodyReader): Promise<void> {
    const connection = this.#connection;
    let first: Uint8Array | undefined;
    let room: Promise<void> = RESOLVED;
    const begin = (): void => {
      if (this.#begun || this.#over) return;
      this.#begun = true;
      room = connection.writeHeaders(line, headers, first);
    };
    // A body that takes its time holds back neither the head nor its first piece.
    connection.ioLoop.addCallback(begin);
    let next = await reader.read();
    if (this.#over) return;
    if (!next.done && !this.#begun) {
      // A text or octets in memory are one piece, and their end follows within this turn of the loop: such
      // a body has a length, also on platforms that do not show what a response was made of.
      first = octets(next.value);
      next = await reader.read();
      if (this.#over) return;
    }
    if (next.done && !this.#begun) {
      connection.respond(line, headers, first);
      this.#end(line.code);
      return;
    }
    begin();
    if (room !== RESOLVED) await room;
    if (this.#over) return;
    while (!next.done) {
      room = connection.write(octets(next.value));
      if (room !== RESOLVED) await room;
      next = await reader.read();
      if (this.#over) return;
    }
    connection.finish();
    this.#end(line.code);
  }

  #headersOf(response: Response, time: number): HTTPHeaders {
    const headers = new HTTPHeaders();
    const { serverHeader, ioLoop } = this.#connection;
    addDefaultFields(headers, serverHeader, ioLoop, time);
    // Names come in lower case, and the fields of Set-Cookie one by one (Fetch §5.1). Fetch lets more
    // characters into values than HTTP does, so they are checked.
    for (const [name, value] of response.headers) {
      if (name === "server" || name === "date") headers.set(name, value);
      else if (!isConnectionField(name)) headers.add(name, value);
    }
    return headers;
  }

  // --- endings ---------------------------------------------------------------------------------------------

  #contained(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    // What a client that has left does to the application is no fault of it.
    if (this.#over) return;
    if (this.#abort.isAborted || (this.#connection.closed && this.#begun)) {
      this.#breakOff();
      return;
    }
    appLog.exception(
      "Uncaught exception in the Fetch application for %s %s",
      this.#startLine.method,
      this.#startLine.path,
      error,
    );
    if (this.#begun) this.#breakOff();
    else this.#answer(500);
  }

  #late(timeout: number): void {
    this.#deadline = undefined;
    if (this.#over) return;
    appLog.error(
      "a Fetch application has not answered %s %s within %d ms",
      this.#startLine.method,
      this.#startLine.path,
      timeout,
    );
    this.#abort.abort(new TimeoutError(`the exchange was not over within ${timeout} ms`));
    if (this.#begun) this.#breakOff();
    else this.#answer(503);
  }

  #breakOff(): void {
    this.#connection.close();
    this.#leave(new ExchangeAbortedError("closed"));
  }

  /** Answers in the application's place. */
  #answer(status: number): void {
    sendBareStatus(this.#connection, status);
    this.#end(status);
  }

  /** The exchange cannot go on. */
  #leave(reason: ExchangeAbortedError): void {
    if (this.#over) return;
    this.#abort.abort(reason);
    this.#body?.fail(reason);
    this.#reader?.cancel(reason).catch(() => {});
    this.#end(this.#status || CLIENT_LEFT);
  }

  #end(status: number): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#deadline !== undefined) this.#connection.ioLoop.removeTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#body?.drop();
    logHosted(status, this.#startLine, this.#headers, this.#connection, this.#serverConnection);
  }
}

function checkResponse(response: unknown): asserts response is Response {
  if (response instanceof Response) {
    if (response.bodyUsed) throw new TypeError("the body of the response was read before");
    if (response.status >= 200) return;
    throw new TypeError(`a response with the status ${response.status} cannot be sent`);
  }
  throw new TypeError(`a Fetch application returns a Response, got ${typeof response}`);
}

function octets(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`the body of a response must give Uint8Arrays, got ${typeof value}`);
}

function cancelBody(response: unknown, why: string): void {
  const body = response instanceof Response ? response.body : null;
  if (body !== null && !body.locked) body.cancel(why).catch(() => {});
}
