/**
 * From the octets that a `ServerResponse` writes to calls on the exchange.
 *
 * A genuine response knows one way of sending, to write HTTP/1.1 on its socket, framing included. It is
 * read as a client reads a server's response, so whatever an application does to its response, a message
 * leaves that our own sender has framed, or the exchange is broken off. Connection fields are the server's
 * business (RFC 9110 §7.6.1); of the application's, `Connection: close` counts.
 *
 * Head and first piece of body are held until the socket is uncorked, so that a whole response leaves by
 * `respond()`.
 */
import { RESOLVED } from "../../async/deferred.js";
import { appLog } from "../../base/log.js";
import { addDefaultFields } from "../../http/delegates/default-fields.js";
import type { HTTPConnection } from "../../http/delegates.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import { resolveHTTP1Limits } from "../../protocol/http1/limits.js";
import { HTTP1Receiver } from "../../protocol/http1/receiver.js";
import type { HTTP1ResponseHead, MessageVisitor } from "../../protocol/http1/visitor.js";
import { isConnectionField } from "../connection-fields.js";

/** The application's own output is as long as it likes. */
const LIMITS = resolveHTTP1Limits({
  maxHeaderSize: Number.POSITIVE_INFINITY,
  maxStartLineSize: Number.POSITIVE_INFINITY,
  maxHeaderFields: Number.POSITIVE_INFINITY,
  maxBodySize: Number.POSITIVE_INFINITY,
  maxChunkExtensionSize: Number.POSITIVE_INFINITY,
  maxInformational: Number.POSITIVE_INFINITY,
});

/** What is reported of a response. */
export interface ResponseEvents {
  /** The application wants the body of the request: it has written a 100 (Continue). */
  onContinue(): void;
  /** The response is complete, or broken off (`isWhole` is false then), with this status. Called once. */
  onResponseEnd(status: number, isWhole: boolean): void;
}

/** Reads one response; see the head of this file. */
export class ResponseReader implements MessageVisitor<HTTP1ResponseHead> {
  readonly #connection: HTTPConnection;
  readonly #events: ResponseEvents;
  readonly #isHead: boolean;
  readonly #receiver: HTTP1Receiver<HTTP1ResponseHead>;
  #begun = false;
  /** Read and not sent yet. */
  #head: HTTP1ResponseHead | undefined = undefined;
  #body: Buffer | undefined = undefined;
  #status = 0;
  #over = false;
  /** Undefined while there is room. */
  #room: Promise<void> | undefined = undefined;

  constructor(connection: HTTPConnection, method: string, events: ResponseEvents) {
    this.#connection = connection;
    this.#events = events;
    this.#isHead = method === "HEAD";
    this.#receiver = new HTTP1Receiver<HTTP1ResponseHead>("client", LIMITS, this);
    this.#receiver.expectResponse(method);
  }

  /** The status of the final response; 0 before its head. It may not have been sent yet. */
  get status(): number {
    return this.#status;
  }

  /** Whether a part of the final response has been sent. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Takes what the response writes. Undefined while there is room for more, else a promise of room. */
  write(octets: Buffer): Promise<void> | undefined {
    this.#room = undefined;
    if (octets.length === 0) return undefined;
    if (this.#over) {
      appLog.error("a Node application wrote %d octets behind the end of its response", octets.length);
      return undefined;
    }
    this.#receiver.feed(octets);
    return this.#room;
  }

  /** Sends what is held back. */
  flush(): void {
    const head = this.#head;
    if (head === undefined) return;
    const body = this.#body;
    this.#head = undefined;
    this.#body = undefined;
    this.#begun = true;
    this.#contained(() => {
      this.#wait(this.#connection.writeHeaders(head, this.#headersOf(head), body));
    });
  }

  /** The application has ended its response: a body without framing ends here, any other one has. */
  end(): void {
    if (!this.#over) this.#receiver.feedEnd();
  }

  /** Nothing more is taken, since the exchange ends otherwise. */
  stop(): void {
    this.#over = true;
    this.#head = undefined;
    this.#body = undefined;
    this.#receiver.detach();
  }

  // --- the receiver's calls --------------------------------------------------------------------------------

  onHead(head: HTTP1ResponseHead): void {
    // The server itself sends 100 (Continue).
    if (head.code === 100) {
      this.#events.onContinue();
      return;
    }
    if (head.code === 101) {
      this.#fail(new Error("a 101 answers an upgrade, which applications take over by the event 'upgrade'"));
    } else if (head.code < 200) {
      this.#contained(() => {
        this.#connection.informational(head, HTTPHeaders.fromRaw(head.fields));
      });
    } else {
      this.#status = head.code;
      this.#head = head;
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#head !== undefined && this.#body === undefined) {
      this.#body = chunk;
      return;
    }
    this.flush();
    this.#contained(() => this.#wait(this.#connection.write(chunk)));
  }

  onEnd(trailers: RawFields | undefined): void {
    if (this.#over || this.#status === 0) return;
    const head = this.#head;
    // An answer to HEAD without a length must not be given one: the length of the answer to GET is unknown.
    const isJoined =
      head !== undefined && trailers === undefined && !(this.#isHead && head.contentLength < 0);
    this.#contained(() => {
      if (isJoined) {
        this.#head = undefined;
        this.#connection.respond(head, this.#headersOf(head), this.#body);
      } else {
        this.flush();
        if (this.#over) return;
        this.#connection.finish(trailers === undefined ? undefined : HTTPHeaders.fromRaw(trailers));
      }
    });
    if (this.#over) return;
    this.#over = true;
    this.#events.onResponseEnd(this.#status, true);
  }

  onError(error: Error): void {
    this.#fail(error);
  }

  // --- inside ----------------------------------------------------------------------------------------------

  /** The fields for the recipient, with the defaults of the server that the application has not set. */
  #headersOf(head: HTTP1ResponseHead): HTTPHeaders {
    const { fields } = head;
    const kept: string[] = [];
    let isServerSet = false;
    let isDateSet = false;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (isConnectionField(name)) continue;
      if (name.length === 6) isServerSet ||= name.toLowerCase() === "server";
      else if (name.length === 4) isDateSet ||= name.toLowerCase() === "date";
      kept.push(name, fields[i + 1]!);
    }
    const { serverHeader, ioLoop } = this.#connection;
    const defaults = new HTTPHeaders();
    addDefaultFields(defaults, isServerSet ? false : serverHeader, ioLoop, ioLoop.time());
    if (isDateSet) defaults.delete("Date");
    kept.push(...defaults.toRaw());
    // A body that ends with the connection was the application's way to leave the framing to the server.
    if (!head.keepAlive && head.framing !== "close") kept.push("Connection", "close");
    return HTTPHeaders.fromRaw(kept);
  }

  #wait(promise: Promise<void>): void {
    if (promise !== RESOLVED) this.#room = promise;
  }

  /** What cannot be sent breaks the exchange off. */
  #contained(send: () => void): void {
    try {
      send();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.stop();
    appLog.exception("the response of a Node application cannot be sent", error);
    this.#connection.close();
    this.#events.onResponseEnd(this.#status, false);
  }
}
