/**
 * One request for a `(req, res)` application.
 *
 *     reading head ──▶ running     the application has request and response
 *     running ───────▶ over        the response is complete, or cannot be any more; its end was logged
 *     reading head ──▶ given away  the application took the connection over: events "upgrade" and "connect"
 *
 * `IncomingMessage` and `ServerResponse` are Node's own objects. What Node's server does with them between
 * the events of a connection (filling in the head, pushing the body, "drain", "close", "aborted") is done
 * here; the order of the events is that of Node.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { Deferred } from "../../async/deferred.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { NO_BYTES } from "../../base/bytes.js";
import { appLog } from "../../base/log.js";
import { sendBareStatus } from "../../http/delegates/bare-response.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../../http/delegates.js";
import type { ExchangeAbortedError } from "../../http/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { CLIENT_LEFT } from "../../web/application/access-log.js";
import { announcesBody, asksForUpgrade, expectsContinue, logHosted } from "../hosted-request.js";
import { emitDrain } from "./need-drain.js";
import { type ResponseEvents, ResponseReader } from "./response-reader.js";
import { NodeSocket, type NodeSocketOwner } from "./socket.js";
import type { NodeListener, NodeServerEvents, NodeSocketLike } from "./types.js";

/** What an exchange needs to know of its container. */
export interface NodeHost {
  /** What answers requests. */
  readonly application: NodeListener | NodeServerEvents;
  /** Milliseconds for an exchange, from its head to the end of the response. */
  readonly timeout: number;
}

/** The members of Node's messages that its own server sets and its types leave out. */
interface MessageInside {
  _addHeaderLines(fields: string[], length: number): void;
  _consumed: boolean;
  _dump(): void;
}
interface ResponseInside {
  destroyed: boolean;
  _closed: boolean;
}

/** See the head of this file. */
export class NodeExchange implements HTTPMessageDelegate, NodeSocketOwner, ResponseEvents {
  readonly #host: NodeHost;
  readonly #connection: HTTPConnection;
  readonly #serverConnection: unknown;
  #startLine!: RequestStartLine;
  #headers!: HTTPHeaders;
  #socket!: NodeSocket;
  #request!: IncomingMessage;
  #response: ServerResponse | undefined = undefined;
  #reader!: ResponseReader;
  #deadline: Timeout | undefined = undefined;
  /** The event by which the application takes the connection over, once the request is whole. */
  #takeover: "upgrade" | "connect" | undefined = undefined;
  /** The connection waits for it: the reader of the body is behind, or has not asked for it. */
  #hold: Deferred | undefined = undefined;
  /** The end of the response was logged. */
  #over = false;
  /** Request and response have been let go. */
  #released = false;

  constructor(host: NodeHost, serverConnection: unknown, connection: HTTPConnection) {
    this.#host = host;
    this.#serverConnection = serverConnection;
    this.#connection = connection;
  }

  // --- the request -----------------------------------------------------------------------------------------

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    const line = startLine as RequestStartLine;
    this.#startLine = line;
    this.#headers = headers;
    this.#socket = new NodeSocket(this.#connection, this);
    this.#reader = new ResponseReader(this.#connection, line.method, this);
    this.#request = makeMessage(this.#socket, line, headers);
    const hasBody = announcesBody(headers);
    if (line.method === "CONNECT") this.#takeover = "connect";
    else if (!hasBody && asksForUpgrade(this.#connection) && this.#listens("upgrade"))
      this.#takeover = "upgrade";
    // Without a body its end comes in the same call, and the connection knows the request as whole when it
    // is answered.
    if (!hasBody) return;
    if (this.#takeover === "connect") this.#answer(400);
    else if (expectsContinue(this.#connection) && this.#listens("checkContinue")) {
      this.#hold = new Deferred();
      const { promise } = this.#hold;
      this.#run("checkContinue");
      return promise;
    } else this.#run("request");
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.#released || this.#request.push(chunk)) return;
    this.#hold = new Deferred();
    return this.#hold.promise;
  }

  finish(): void {
    if (this.#takeover !== undefined) {
      this.#giveAway(this.#takeover);
      return;
    }
    const isNew = this.#response === undefined && !this.#over;
    const { trailers } = this.#connection;
    this.#request.complete = true;
    if (trailers !== undefined) inside(this.#request)._addHeaderLines([...trailers], trailers.length);
    if (isNew) this.#run("request");
    if (!this.#request.destroyed) this.#request.push(null);
  }

  onConnectionClose(): void {
    this.#abort();
  }

  /** A client that has ended its side is treated as Node's server treats it: as one that has left. */
  onExchangeAborted(_reason: ExchangeAbortedError): void {
    this.#abort();
  }

  #listens(event: string): boolean {
    const { application } = this.#host;
    return typeof application !== "function" && application.listenerCount(event) > 0;
  }

  #run(event: "request" | "checkContinue"): void {
    const response = this.#makeResponse();
    const { application, timeout } = this.#host;
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#deadline = this.#connection.ioLoop.callLater(timeout, () => this.#late(timeout));
    }
    try {
      if (typeof application !== "function") {
        if (!application.emit(event, this.#request, response)) {
          throw new Error(
            "nothing listens for the event 'request' of the server that was given to NodeContainer",
          );
        }
        return;
      }
      const pending = pendingResult(application(this.#request, response));
      pending?.then(undefined, (error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  #makeResponse(): ServerResponse {
    const response = new ServerResponse(this.#request);
    this.#response = response;
    // What becomes of the connection, and how a body is framed for this client, is decided by the server
    // below.
    response.shouldKeepAlive = true;
    response.useChunkedEncodingByDefault = true;
    response.sendDate = false;
    response.removeHeader("Connection");
    response.assignSocket(this.#socket as unknown as NodeSocketLike);
    response.on("finish", () => this.#finished());
    // Node ends the process when an application writes behind the end of a response and does not listen.
    response.on("error", (error) => {
      if (response.listenerCount("error") === 1) this.#log("Error in the response to", error);
    });
    return response;
  }

  #giveAway(event: "upgrade" | "connect"): void {
    if (!this.#listens(event)) {
      this.#answer(501);
      return;
    }
    this.#request.complete = true;
    (this.#request as { upgrade?: boolean }).upgrade = true;
    const socket = this.#socket;
    const stream = this.#connection.detach({
      shutdown: () => socket.destroySoon(),
      abort: () => socket.destroy(),
    });
    this.#over = true;
    this.#released = true;
    this.#request.push(null);
    socket.tunnel(stream);
    try {
      (this.#host.application as NodeServerEvents).emit(event, this.#request, socket, NO_BYTES);
    } catch (error) {
      this.#log("Uncaught exception in a listener for the upgrade by", error);
      socket.destroy();
    }
  }

  // --- what the socket reports -----------------------------------------------------------------------------

  write(octets: Buffer): Promise<void> | undefined {
    return this.#reader.write(octets);
  }

  flush(): void {
    this.#reader.flush();
  }

  onResume(): void {
    const hold = this.#hold;
    this.#hold = undefined;
    hold?.resolve();
  }

  onDrain(): void {
    if (this.#response !== undefined && !this.#released) emitDrain(this.#response);
  }

  onTimeout(): boolean {
    const isTaken = !this.#request.complete && this.#request.emit("timeout", this.#socket);
    return this.#response?.emit("timeout", this.#socket) === true || isTaken;
  }

  onDestroy(): void {
    if (!this.#over) this.#connection.close();
    this.#abort();
  }

  // --- what the response reports ---------------------------------------------------------------------------

  onContinue(): void {
    this.onResume();
  }

  onResponseEnd(status: number): void {
    this.#end(status === 0 ? 500 : status);
  }

  /** The response has been handed over, or waits for nothing but its reader. */
  #finished(): void {
    if (this.#released) return;
    this.#reader.end();
    this.#release();
    const request = this.#request;
    const response = this.#response!;
    response.detachSocket(this.#socket as unknown as NodeSocketLike);
    if (!inside(request)._consumed) inside(request)._dump();
    // The rest of a body whose response is complete is discarded.
    if (!request.complete) request.destroy();
    process.nextTick(emitClose, response);
  }

  // --- endings ---------------------------------------------------------------------------------------------

  #failed(error: unknown): void {
    this.#log("Uncaught exception in the Node application for", error);
    if (this.#over) return;
    if (this.#reader.begun) this.#breakOff();
    else this.#answer(500);
  }

  #late(timeout: number): void {
    this.#deadline = undefined;
    if (this.#over) return;
    appLog.error(
      "a Node application has not answered %s %s within %d ms",
      this.#startLine.method,
      this.#startLine.path,
      timeout,
    );
    if (this.#reader.begun) this.#breakOff();
    else this.#answer(503);
  }

  #breakOff(): void {
    this.#connection.close();
    this.#abort();
  }

  /** Answers in the application's place, which finds its response closed. */
  #answer(status: number): void {
    this.#reader.stop();
    sendBareStatus(this.#connection, status);
    this.#end(status);
    this.#abort();
  }

  /** The exchange cannot go on. */
  #abort(): void {
    if (this.#released) return;
    this.#reader.stop();
    this.#end(this.#reader.status || CLIENT_LEFT);
    this.#release();
    const request = this.#request;
    this.#socket.destroy();
    if (!request.complete || !request.readableEnded) request.destroy(connectionReset());
  }

  #end(status: number): void {
    if (this.#over) return;
    this.#over = true;
    logHosted(status, this.#startLine, this.#headers, this.#connection, this.#serverConnection);
  }

  #release(): void {
    this.#released = true;
    this.#socket.release();
    if (this.#deadline !== undefined) this.#connection.ioLoop.removeTimeout(this.#deadline);
    this.#deadline = undefined;
    this.onResume();
  }

  #log(what: string, error: unknown): void {
    appLog.exception("%s %s %s", what, this.#startLine.method, this.#startLine.path, error);
  }
}

function inside(message: IncomingMessage): MessageInside {
  return message as unknown as MessageInside;
}

function makeMessage(socket: NodeSocket, line: RequestStartLine, headers: HTTPHeaders): IncomingMessage {
  const message = new IncomingMessage(socket as unknown as NodeSocketLike);
  const isHTTP10 = line.version === "HTTP/1.0";
  message.httpVersion = isHTTP10 ? "1.0" : "1.1";
  message.httpVersionMajor = 1;
  message.httpVersionMinor = isHTTP10 ? 0 : 1;
  message.method = line.method;
  message.url = line.path;
  const fields = [...headers.toRaw()];
  inside(message)._addHeaderLines(fields, fields.length);
  return message;
}

function emitClose(response: ServerResponse): void {
  const state = response as unknown as ResponseInside;
  if (state._closed) return;
  state.destroyed = true;
  state._closed = true;
  response.emit("close");
}

function connectionReset(): Error {
  return Object.assign(new Error("aborted"), { code: "ECONNRESET" });
}
