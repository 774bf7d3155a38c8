/**
 * The sending half of HTTP/1 (RFC 9112): calls in, bytes out. No sockets, timers or promises.
 *
 *     idle ── begin…() ──→ open ── write() … end() ──→ ended ── begin…() ──→ open …
 *               │            └── too much or too little body ──→ failed
 *               └── respond(): straight to ended
 *
 * The sender decides how the body's end is marked, for what the fields leave open (§6.1, §6.3): by the
 * Content-Length that they give; else by chunked coding to a 1.1 peer; else by closing. A message that cannot
 * have a body never gets one, so that what follows on the connection cannot be taken for it.
 *
 * A call that throws before anything of a message was sent leaves the sender as it was: another message (a
 * 500, say) can be sent instead. In "failed" a part is out and the rest cannot come; the connection must be
 * closed.
 */
import { byteLength, type Chunk } from "../../base/bytes.js";
import { isFieldValue, isToken } from "../fields/abnf.js";
import type { RawFields } from "../fields/raw-fields.js";
import type { RequestStartLine, ResponseStartLine } from "../fields/start-line.js";
import { forbidsContent, opensTunnel } from "../message/content.js";
import { BODY_WRITERS, type BodyWriter } from "./body-writers.js";
import { shown } from "./errors.js";
import { OutgoingFields } from "./outgoing-fields.js";
import { type HTTP1Output, sendJoined } from "./output.js";
import { HTTP1OutputError } from "./output-errors.js";
import { requestLine, statusLine } from "./start-lines.js";
import { isForbiddenTrailer } from "./trailers.js";
import type { BodyFraming } from "./visitor.js";

/** What a response depends on besides its own head. */
export interface ResponseContext {
  /** The method of the request; the answer to HEAD has no body. */
  readonly method: string;
  /** The version of the request: only 1.1 understands chunked coding and interim responses. */
  readonly version: string;
  /** False when the connection is to be closed after this response; the response will say so. */
  readonly keepAlive: boolean;
}

/** Where a sender is. */
export type HTTP1SenderState = "idle" | "open" | "ended" | "failed";

/** Filled and read within one call, so one is enough for all senders. */
const given = new OutgoingFields();

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/**
 * Sends the messages of one direction of a connection, one after the other, on an {@link HTTP1Output}. All
 * methods that send return what the output's `send` returned: false when more than the high-water mark is
 * queued; true when there was nothing to send. All throw an {@link HTTP1OutputError} for what cannot be sent.
 */
export class HTTP1Sender {
  readonly #out: HTTP1Output;
  #state: HTTP1SenderState;
  #body: BodyWriter;
  /** How many bytes of body are still to come, where they are counted. */
  #remaining: number;
  #keepAlive: boolean;
  #bodyBytes: number;

  constructor(out: HTTP1Output) {
    this.#out = out;
    this.#state = "idle";
    this.#body = BODY_WRITERS.none;
    this.#remaining = 0;
    this.#keepAlive = true;
    this.#bodyBytes = 0;
  }

  /** Where the sender is. */
  get state(): HTTP1SenderState {
    return this.#state;
  }

  /**
   * False when the connection cannot go on after the message that was begun last: it said so itself, or its
   * body ends with the connection. True before the first.
   */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /** Octets of body that the message begun last has been given, without its framing. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /**
   * True while only the end of the connection can end the message, so that one cut short would look whole.
   */
  get endsByClosing(): boolean {
    return this.#state === "open" && this.#body.endsByClosing;
  }

  /**
   * Begins a response: sends its head, and `chunk` with it. The fields must be checked already, as those of
   * `HTTPHeaders` are. Adds `Transfer-Encoding: chunked`, `Connection: close` or `Connection: Keep-Alive`
   * where needed (RFC 9112 §6.1, §9.3); leaves out Content-Length where it is forbidden (RFC 9110 §8.6).
   *
   * Refuses a 1xx other than 101, which is an interim response; see {@link informational}. After a 101, or a
   * 2xx to CONNECT, another protocol follows: the sender has nothing more to do with it, and `keepAlive` is
   * false.
   */
  beginResponse(
    startLine: ResponseStartLine,
    fields: RawFields,
    context: ResponseContext,
    chunk?: Chunk,
  ): boolean {
    this.#checkCanBegin();
    const head = this.#responseHead(startLine, fields, context, -1);
    return this.#sendHead(head, chunk);
  }

  /**
   * Sends a whole response in one go and ends it: {@link beginResponse} and {@link end}, with
   * `Content-Length` added when the fields have no framing of their own.
   */
  respond(startLine: ResponseStartLine, fields: RawFields, context: ResponseContext, body?: Chunk): boolean {
    this.#checkCanBegin();
    const length = body === undefined ? 0 : byteLength(body);
    const head = this.#responseHead(startLine, fields, context, length);
    if (this.#body.isCounted && this.#remaining > length) throw tooShort(this.#remaining - length);
    const hasRoom = this.#sendHead(head, body, length);
    return this.end() && hasRoom;
  }

  /**
   * Sends an interim response, such as 103 Early Hints, before the final one (RFC 9110 §15.2). Not to be sent
   * to HTTP/1.0 clients.
   */
  informational(startLine: ResponseStartLine, fields: RawFields): boolean {
    this.#checkCanBegin();
    if (startLine.code < 100 || startLine.code > 199 || startLine.code === 101) {
      throw new HTTP1OutputError(
        "ERR_SQUALL_HTTP_OUTPUT_START_LINE",
        `an interim response has a code from 100 to 199 other than 101, got ${startLine.code}`,
      );
    }
    const line = statusLine(startLine);
    given.read(line, fields, true);
    return this.#out.send(`${given.text}\r\n`, "latin1");
  }

  /**
   * Sends `100 Continue`: the client may send its body now (RFC 9110 §10.1.1). Not to be sent to 1.0 clients.
   */
  continue100(): boolean {
    this.#checkCanBegin();
    return this.#out.send(CONTINUE, "latin1");
  }

  /**
   * Begins a request: sends its head, and `chunk` with it. With `hasBody`, a body follows, chunked unless the
   * fields give its Content-Length; without, the fields decide, and no framing at all means no body. The
   * fields must be checked already and hold Host.
   */
  beginRequest(
    startLine: RequestStartLine,
    fields: RawFields,
    context: { readonly hasBody: boolean },
    chunk?: Chunk,
  ): boolean {
    this.#checkCanBegin();
    const line = requestLine(startLine);
    given.read(line, fields, false);
    let framing: BodyFraming = "none";
    if (given.contentLength !== -1) framing = "length";
    else if (given.codings !== undefined) framing = given.codings.framing;
    else if (context.hasBody) framing = "chunked";
    if (framing === "chunked" && startLine.version === "HTTP/1.0") throw unframed();
    this.#frame(framing, given.contentLength);
    this.#keepAlive = !given.close;
    return this.#sendHead(`${given.text}${this.#body.field}\r\n`, chunk);
  }

  /**
   * Sends a piece of body; an empty one sends nothing. Body for an answer to HEAD is dropped. Throws
   * `ERR_SQUALL_HTTP_OUTPUT_TOO_LONG` when it is more than Content-Length says: nothing of the piece is sent,
   * the state is "failed" and the connection must be closed, since the peer waits for what will never come.
   */
  write(chunk: Chunk): boolean {
    if (this.#state !== "open") throw wrongState("write()", this.#state);
    const length = byteLength(chunk);
    if (length === 0) return true;
    const problem = this.#problemWith(length);
    if (problem !== undefined) {
      this.#state = "failed";
      throw problem;
    }
    return this.#sendPiece("", chunk, length);
  }

  /**
   * Ends the message. `trailers` go out after a chunked body and are dropped otherwise; they must be tokens
   * and sendable values, and none of the names that a recipient ignores in trailers. Throws
   * `ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT` when Content-Length promised more: the state is "failed" and the
   * connection must be closed. Calling again after the end does nothing.
   */
  end(trailers?: RawFields): boolean {
    if (this.#state === "ended") return true;
    if (this.#state !== "open") throw wrongState("end()", this.#state);
    if (this.#body.isCounted && this.#remaining > 0) {
      this.#state = "failed";
      throw tooShort(this.#remaining);
    }
    const lines = trailers === undefined ? "" : trailerLines(trailers);
    this.#state = "ended";
    const last = this.#body.end(lines);
    return last === "" || this.#out.send(last, "latin1");
  }

  /**
   * The head as text; sets framing and keepAlive. A `length` of at least 0 is used when the fields have none.
   */
  #responseHead(
    startLine: ResponseStartLine,
    fields: RawFields,
    context: ResponseContext,
    length: number,
  ): string {
    const line = statusLine(startLine);
    const code = startLine.code;
    const isTunnel = code === 101 || opensTunnel(context.method, code);
    if (code < 200 && code !== 101) throw interimAsFinal(code);
    given.read(line, fields, isTunnel || code === 204);
    const framing = this.#responseFraming(code, isTunnel, context, length);
    const isMeasured = framing === "length" || framing === "dropped";
    let extra = "";
    if (code === 205) extra = lengthOfReset(given);
    else if (isMeasured && length >= 0 && given.contentLength === -1 && given.codings === undefined) {
      extra = `Content-Length: ${length}\r\n`;
    }
    let keepAlive = context.keepAlive && !given.close && framing !== "close";
    // HTTP ends with the head of a tunnel: if the application leaves the stream, it is closed, not read as
    // requests.
    if (isTunnel) keepAlive = false;
    else extra += this.#connectionLine(context, keepAlive);
    this.#frame(framing, given.contentLength === -1 ? length : given.contentLength);
    this.#keepAlive = keepAlive;
    return `${given.text}${extra}${this.#body.field}\r\n`;
  }

  /** How a response is framed; `length` is that of its whole body, -1 when it is not known yet. */
  #responseFraming(
    code: number,
    isTunnel: boolean,
    context: ResponseContext,
    length: number,
  ): BodyFraming | "dropped" {
    if (isTunnel || forbidsContent(code)) return "none";
    if (context.method === "HEAD") return "dropped";
    if (given.contentLength !== -1) return "length";
    if (length >= 0 && given.codings === undefined) return "length";
    if (context.version === "HTTP/1.0") return "close";
    return given.codings?.framing ?? "chunked";
  }

  #frame(framing: BodyFraming | "dropped", length: number): void {
    this.#body = BODY_WRITERS[framing];
    this.#remaining = framing === "length" ? length : 0;
  }

  /**
   * HTTP/1.1 persists by default and HTTP/1.0 closes by default (RFC 9112 §9.3): only the exceptions are
   * announced.
   */
  #connectionLine(context: ResponseContext, keepAlive: boolean): string {
    const isHTTP10 = context.version === "HTTP/1.0";
    if (keepAlive) return isHTTP10 && !given.keepAlive ? "Connection: Keep-Alive\r\n" : "";
    return isHTTP10 || given.close ? "" : "Connection: close\r\n";
  }

  /** Sends the head and the first piece of body together, or throws before anything is sent. */
  #sendHead(head: string, chunk: Chunk | undefined, known = -1): boolean {
    const length = known >= 0 ? known : chunk === undefined ? 0 : byteLength(chunk);
    const problem = length === 0 ? undefined : this.#problemWith(length);
    if (problem !== undefined) throw problem;
    this.#state = "open";
    this.#bodyBytes = 0;
    if (length === 0 || chunk === undefined) return this.#out.send(head, "latin1");
    return this.#sendPiece(head, chunk, length);
  }

  /** Sends `head` (or nothing) and a piece of body that was found to fit. */
  #sendPiece(head: string, chunk: Chunk, length: number): boolean {
    const body = this.#body;
    if (!body.sends) return head === "" || this.#out.send(head, "latin1");
    this.#bodyBytes += length;
    if (body.isCounted) this.#remaining -= length;
    return sendJoined(this.#out, head + body.before(length), chunk, length, body.after);
  }

  /** Why `length` more bytes of body cannot be sent. */
  #problemWith(length: number): HTTP1OutputError | undefined {
    const body = this.#body;
    if (!body.isCounted || length <= this.#remaining) return undefined;
    return body === BODY_WRITERS.none ? forbiddenBody(length) : tooLong(length, this.#remaining);
  }

  #checkCanBegin(): void {
    if (this.#state === "open" || this.#state === "failed")
      throw wrongState("beginning a message", this.#state);
  }
}

/**
 * The field that says how long a 205 is: its body has the length 0, and its recipient does not know that from
 * the status (RFC 9110 §15.3.6, RFC 9112 §6.3).
 */
function lengthOfReset(fields: OutgoingFields): string {
  if (fields.contentLength > 0) throw forbiddenBody(fields.contentLength);
  return fields.contentLength === 0 ? "" : "Content-Length: 0\r\n";
}

/** The lines of a trailer section, checked. */
function trailerLines(trailers: RawFields): string {
  let lines = "";
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i]!;
    const value = trailers[i + 1]!;
    if (!isToken(name) || !isFieldValue(value) || isForbiddenTrailer(name)) {
      throw new HTTP1OutputError(
        "ERR_SQUALL_HTTP_OUTPUT_TRAILER",
        `the field ${shown(name)} cannot be sent as a trailer`,
      );
    }
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function wrongState(call: string, state: HTTP1SenderState): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_STATE",
    `${call} is not possible while the sender is ${state}`,
  );
}

function interimAsFinal(code: number): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_START_LINE",
    `a ${code} is an interim response: the client would go on waiting for the final one, whose code is 200 or above`,
  );
}

function unframed(): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH",
    "an HTTP/1.0 request with a body needs Content-Length",
  );
}

function tooLong(length: number, remaining: number): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_TOO_LONG",
    `tried to write ${length} bytes where Content-Length leaves ${remaining}`,
  );
}

function tooShort(missing: number): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT",
    `the message was ended with ${missing} bytes less than Content-Length says`,
  );
}

function forbiddenBody(length: number): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY",
    `this message cannot have a body, got ${length} bytes`,
  );
}
