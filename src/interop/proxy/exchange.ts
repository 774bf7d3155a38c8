/**
 * One request on its way to the upstream and back.
 *
 *     connecting ─▶ sending        there is a connection; the body of the request is passed on as it comes
 *     sending ────▶ connecting     a kept connection had ended already: once more, on a new one
 *     sending ────▶ responding     the head of the response has come and was passed on
 *     sending ────▶ tunnel         both sides have switched to another protocol
 *     all ────────▶ over           the response is complete, or was broken off, or was an error of ours
 *
 * A response that breaks off is broken off: nothing is completed that the upstream has not completed.
 */
import { RESOLVED } from "../../async/deferred.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { TimeoutError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import type { PooledConnection } from "../../http/client/pool.js";
import { sendBareStatus } from "../../http/delegates/bare-response.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../../http/delegates.js";
import type { ExchangeAbortedError } from "../../http/errors.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { CLIENT_LEFT } from "../../web/application/access-log.js";
import { announcesBody, asksForUpgrade, logHosted } from "../hosted-request.js";
import { requestFields, responseFields } from "./fields.js";
import type { ProxySettings } from "./options.js";
import { Tunnel } from "./tunnel.js";
import type { Upstream } from "./upstream.js";

/** Scheme and authority of an absolute-form target (RFC 9112 §3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/** Methods that may be sent twice, since the second time changes nothing (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

type State = "connecting" | "sending" | "responding" | "tunnel" | "over";

/**
 * See the head of this file. It is the delegate of the client's request; {@link ResponseSide} is that of
 * the response.
 */
export class ProxyExchange implements HTTPMessageDelegate {
  readonly #settings: ProxySettings;
  readonly #upstream: Upstream;
  readonly #connection: HTTPConnection;
  readonly #serverConnection: unknown;
  #startLine!: RequestStartLine;
  #headers!: HTTPHeaders;
  #state: State = "connecting";
  /** The protocol that the client asks for; undefined for none. */
  #upgrade: string | undefined = undefined;
  #hasBody = false;
  #outgoing: { readonly line: RequestStartLine; readonly headers: HTTPHeaders } | undefined = undefined;
  #pooled: PooledConnection | undefined = undefined;
  #sender: HTTPConnection | undefined = undefined;
  #opening: AbortController | undefined = undefined;
  #timer: Timeout | undefined = undefined;
  /** The connection had served another request before. */
  #isKept = false;
  /** The connection was ended on our side, behind the request. */
  #isLast = false;
  /** The request has been sent whole. */
  #isSent = false;
  /** The client's request is whole. */
  #isReceived = false;
  #status = 0;

  constructor(
    settings: ProxySettings,
    upstream: Upstream,
    serverConnection: unknown,
    connection: HTTPConnection,
  ) {
    this.#settings = settings;
    this.#upstream = upstream;
    this.#serverConnection = serverConnection;
    this.#connection = connection;
  }

  // --- the client's request --------------------------------------------------------------------------------

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    const line = startLine as RequestStartLine;
    this.#startLine = line;
    this.#headers = headers;
    const path = this.#pathOf(line);
    if (path === undefined || line.method === "CONNECT") {
      this.#answer(line.method === "CONNECT" ? 501 : 404);
      return;
    }
    this.#hasBody = announcesBody(headers);
    if (!this.#hasBody && asksForUpgrade(this.#connection)) this.#upgrade = headers.get("Upgrade");
    this.#outgoing = {
      line: { method: line.method, path, version: "HTTP/1.1" },
      headers: requestFields(line.method, headers, this.#connection.peer, this.#upgrade, this.#settings),
    };
    return this.#begin(this.#upstream.kept());
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.#state !== "sending" && this.#state !== "responding") return;
    try {
      const room = this.#sender!.write(chunk);
      // An upstream that is gone reports that by its delegate.
      if (room !== RESOLVED) return room.catch(() => {});
    } catch (error) {
      this.#failed(502, error);
    }
  }

  finish(): void {
    this.#isReceived = true;
    if (this.#state === "sending" || this.#state === "responding") this.#finishRequest();
  }

  onConnectionClose(): void {
    this.#abandon();
  }

  /** A client that has ended its side may still read: the upstream learns of the end, and decides. */
  onExchangeAborted(reason: ExchangeAbortedError): void {
    if (reason.reason !== "half-closed") this.#abandon();
    else {
      this.#isLast = true;
      // Without a connection yet, the FIN follows the request.
      this.#pooled?.stream.end();
    }
  }

  /** The path for the upstream; undefined if the request is not below the prefix. */
  #pathOf(line: RequestStartLine): string | undefined {
    const { prefix, base } = this.#settings;
    const path = line.path.replace(ABSOLUTE_FORM, "");
    if (path === "*") return prefix === "" ? "*" : undefined;
    if (!path.startsWith(prefix)) return undefined;
    const rest = path.slice(prefix.length);
    if (prefix !== "" && rest !== "" && rest[0] !== "/" && rest[0] !== "?") return undefined;
    return `${base}${rest.startsWith("/") ? rest : `/${rest}`}`;
  }

  // --- the upstream ----------------------------------------------------------------------------------------

  /** Sends the head on a kept connection, or opens one; the promise holds the request's body back. */
  #begin(kept: PooledConnection | undefined): void | Promise<void> {
    if (kept !== undefined) {
      this.#isKept = true;
      this.#send(kept);
      return;
    }
    this.#isKept = false;
    this.#state = "connecting";
    const opening = new AbortController();
    this.#opening = opening;
    const { connectTimeout } = this.#settings;
    this.#arm(connectTimeout, () => {
      opening.abort(new TimeoutError(`no connection to the upstream within ${connectTimeout} ms`));
    });
    return this.#upstream.open(opening.signal).then(
      (connection) => {
        this.#opening = undefined;
        this.#disarm();
        if (this.#state === "connecting") this.#send(connection);
        else this.#upstream.putBack(connection);
      },
      (error: unknown) => {
        this.#opening = undefined;
        this.#failed(error instanceof TimeoutError ? 504 : 502, error);
      },
    );
  }

  #send(connection: PooledConnection): void {
    const { line, headers } = this.#outgoing!;
    this.#pooled = connection;
    this.#state = "sending";
    try {
      // What the client sends has no limit here that the server has not judged already.
      this.#sender = connection.request(line, headers, new ResponseSide(this, connection));
    } catch (error) {
      this.#broken(error);
      return;
    }
    if (this.#isReceived || !this.#hasBody) this.#finishRequest();
    if (this.#isLast) this.#pooled?.stream.end();
  }

  #finishRequest(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    const { trailers } = this.#connection;
    try {
      this.#sender!.finish(trailers === undefined ? undefined : HTTPHeaders.fromRaw(trailers));
    } catch (error) {
      this.#failed(502, error);
      return;
    }
    if (this.#state !== "sending") return;
    const { responseTimeout } = this.#settings;
    this.#arm(responseTimeout, () => {
      this.#failed(504, new TimeoutError(`no response of the upstream within ${responseTimeout} ms`));
    });
  }

  // --- what the response side reports ----------------------------------------------------------------------

  /** An interim response, or the head of the final one. */
  responseHead(line: ResponseStartLine, headers: HTTPHeaders): void | Promise<void> {
    if (this.#state !== "sending") return;
    if (line.code === 101) {
      this.#disarm();
      if (this.#upgrade === undefined) this.#failed(502, new Error("the upstream sent a 101 unasked"));
      return;
    }
    // Our own server sends 100 (Continue).
    if (line.code === 100) return;
    const fields = responseFields(headers, false, this.#settings);
    try {
      if (line.code < 200) {
        this.#connection.informational(line, fields);
        return;
      }
      this.#disarm();
      this.#state = "responding";
      this.#status = line.code;
      return this.#passOn(this.#connection.writeHeaders(line, fields));
    } catch (error) {
      this.#failed(502, error);
    }
  }

  responseData(chunk: Buffer): void | Promise<void> {
    if (this.#state !== "responding") return;
    try {
      return this.#passOn(this.#connection.write(chunk));
    } catch (error) {
      this.#failed(502, error);
    }
  }

  responseEnd(): void {
    if (this.#state !== "responding") return;
    const trailers = this.#sender?.trailers;
    const pooled = this.#pooled;
    // The rest of a request that was answered early is not sent: its connection cannot serve another one.
    if (!this.#isSent || this.#isLast) pooled?.close();
    this.#end();
    this.#connection.finish(trailers === undefined ? undefined : HTTPHeaders.fromRaw(trailers));
  }

  /** Both sides speak another protocol from here on. */
  switched(line: ResponseStartLine, headers: HTTPHeaders): void {
    const upstream = this.#sender?.closed === false ? this.#sender.detach() : undefined;
    if (this.#state !== "sending" || upstream === undefined) {
      upstream?.close();
      return;
    }
    this.#status = line.code;
    let tunnel: Tunnel | undefined;
    try {
      const client = this.#connection.upgrade(line, responseFields(headers, true, this.#settings), {
        shutdown: () => tunnel?.shutdown(),
        abort: () => tunnel?.abort(),
        get idleSince() {
          return tunnel?.idleSince;
        },
      });
      this.#state = "tunnel";
      this.#log();
      tunnel = new Tunnel(client, upstream);
    } catch (error) {
      upstream.close();
      this.#pooled = undefined;
      this.#failed(502, error);
    }
  }

  /** The connection to the upstream has ended too early. */
  responseBroken(error: unknown): void {
    if (this.#isLast && this.#state === "sending") {
      // The upstream has given up a request whose client had ended its side: no client is left to answer.
      this.#abandon();
      this.#connection.close();
    } else if (this.#state === "sending") {
      this.#broken(error);
    } else {
      this.#failed(502, error);
    }
  }

  #passOn(room: Promise<void>): void | Promise<void> {
    // A client that is gone reports that by its own delegate.
    if (room !== RESOLVED) return room.catch(() => {});
  }

  // --- endings ---------------------------------------------------------------------------------------------

  /**
   * A kept connection may have been closed by the upstream while the request was on its way: that is
   * nobody's fault.
   */
  #broken(error: unknown): void {
    this.#disarm();
    this.#pooled = undefined;
    this.#sender = undefined;
    const mayTryAgain = this.#isKept && !this.#hasBody && IDEMPOTENT.has(this.#startLine.method);
    if (!mayTryAgain || this.#connection.closed) {
      this.#failed(502, error);
      return;
    }
    this.#isSent = false;
    void this.#begin(undefined);
  }

  /** The upstream is at fault: an error of ours, or a response that breaks off. */
  #failed(status: 502 | 504, error: unknown): void {
    if (this.#state === "over" || this.#state === "tunnel") return;
    const { method, path } = this.#startLine;
    genLog.warning("the upstream failed for %s %s: %s", method, path, messageOf(error));
    const isBegun = this.#state === "responding";
    const pooled = this.#pooled;
    if (!isBegun) this.#status = status;
    // First: the end of the connection is no news any more.
    this.#end();
    pooled?.close();
    if (isBegun) this.#connection.close();
    else sendBareStatus(this.#connection, status);
  }

  /** The client has left. */
  #abandon(): void {
    if (this.#state === "over" || this.#state === "tunnel") return;
    if (this.#status === 0) this.#status = CLIENT_LEFT;
    const pooled = this.#pooled;
    this.#end();
    this.#opening?.abort(new Error("the client has left"));
    pooled?.close();
  }

  #answer(status: number): void {
    this.#status = status;
    this.#end();
    sendBareStatus(this.#connection, status);
  }

  #end(): void {
    this.#state = "over";
    this.#disarm();
    this.#pooled = undefined;
    this.#log();
  }

  #log(): void {
    logHosted(this.#status, this.#startLine, this.#headers, this.#connection, this.#serverConnection);
  }

  #arm(ms: number, onTime: () => void): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#connection.ioLoop.callLater(ms, onTime);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#connection.ioLoop.removeTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Receives the upstream's response. */
class ResponseSide implements HTTPMessageDelegate {
  readonly #exchange: ProxyExchange;
  readonly #connection: PooledConnection;

  constructor(exchange: ProxyExchange, connection: PooledConnection) {
    this.#exchange = exchange;
    this.#connection = connection;
  }

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    const line = startLine as ResponseStartLine;
    if (line.code === 101) {
      // The connection has to see the end of the response before it can be given away.
      void this.#connection.whenExchangeEnds().then(() => this.#exchange.switched(line, headers));
    }
    return this.#exchange.responseHead(line, headers);
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    return this.#exchange.responseData(chunk);
  }

  finish(): void {
    this.#exchange.responseEnd();
  }

  onConnectionClose(): void {
    this.#exchange.responseBroken(this.#connection.error);
  }
}

function messageOf(error: unknown): string {
  if (error === undefined) return "it closed the connection";
  return error instanceof Error ? error.message : String(error);
}
