/**
 * One exchange over a response of Node's own server: `node:http`, or `node:http2` by its compatibility API.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { Deferred, ignore } from "../../async/deferred.js";
import { byteLength } from "../../base/bytes.js";
import type { BaseHTTPConnectionOptions } from "../../http/delegates/base-connection.js";
import type { Chunk } from "../../http/delegates.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { ResponseStartLine } from "../../protocol/fields/start-line.js";
import { isConnectionField } from "../connection-fields.js";
import { ForeignConnection } from "../foreign-connection.js";

/** A response of either server. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The error code of a stream of HTTP/2 that its server could not go on with (RFC 9113 §7). */
const INTERNAL_ERROR = 2;

/** What responses of Node 26 have. */
interface InformationWriter {
  writeInformation(status: number, fields: Record<string, string | string[]>): unknown;
}

/** See the head of this file. */
export class NodeServerConnection extends ForeignConnection {
  readonly #response: NodeResponse;
  readonly #isHTTP2: boolean;
  /** Writers that wait for "drain". */
  #room: Deferred | undefined = undefined;

  constructor(request: IncomingMessage, response: NodeResponse, options: BaseHTTPConnectionOptions) {
    super(request.method ?? "GET", options);
    this.#response = response;
    this.#isHTTP2 = request.httpVersionMajor === 2;
    response.on("close", () => this.leave());
    // The event "close" reports a write that failed; an error event has no listener.
    response.on("error", () => this.leave());
  }

  /**
   * HTTP/2 takes any status and fields. Under HTTP/1 Node 26 does; before, it knows a 103 that has a `Link`
   * and a 102 without fields, and others are not sent.
   */
  override informational(startLine: ResponseStartLine, headers: HTTPHeaders): boolean {
    const response = this.#response;
    const { code } = startLine;
    if (!this.isRunning || response.headersSent || response.req.httpVersion === "1.0") return false;
    if (code < 100 || code > 199 || code === 101) return false;
    const fields = fieldsByName(headers);
    if (this.#isHTTP2) {
      (response as Http2ServerResponse).stream.additionalHeaders({ ...fields, ":status": code });
      return true;
    }
    const http1 = response as ServerResponse & Partial<InformationWriter>;
    if (http1.writeInformation !== undefined) http1.writeInformation(code, fields);
    else if (code === 102 && Object.keys(fields).length === 0) http1.writeProcessing();
    else if (code === 103 && fields.Link !== undefined) {
      // Node looks for the one name that it asks for in this spelling.
      const { Link: link, ...others } = fields;
      try {
        http1.writeEarlyHints({ ...others, link });
      } catch {
        // A link outside of Node's own grammar for them: hints are never owed.
        return false;
      }
    } else return false;
    return true;
  }

  protected override sendHead(
    line: ResponseStartLine,
    headers: HTTPHeaders,
    body: "none" | "whole" | "stream",
    chunk: Chunk | undefined,
  ): boolean {
    const response = this.#response as ServerResponse;
    // Fields that a framework around us has set stay, unless the application has one of that name.
    if (this.#isHTTP2) response.writeHead(line.code, fieldsByName(headers));
    else response.writeHead(line.code, line.reason, fieldList(headers));
    if (body === "stream") {
      if (chunk !== undefined && byteLength(chunk) > 0) return this.sendPiece(chunk);
      response.flushHeaders();
      return true;
    }
    if (chunk === undefined) response.end();
    else response.end(chunk);
    return true;
  }

  protected override sendPiece(chunk: Chunk): boolean {
    const response = this.#response as ServerResponse;
    if (response.write(chunk)) return true;
    this.#room ??= new Deferred().quiet();
    response.once("drain", () => this.#release());
    return false;
  }

  protected override sendEnd(trailers: HTTPHeaders | undefined): void {
    const response = this.#response;
    if (trailers !== undefined && response.req.httpVersion !== "1.0") {
      response.addTrailers(fieldsByName(trailers) as Record<string, string>);
    }
    response.end();
    this.#release();
  }

  protected override breakOff(): void {
    // Destroyed without a reason, a stream of HTTP/2 would end as if nothing were wrong (RFC 9113 §7).
    if (this.#isHTTP2) resetStream(this.#response as Http2ServerResponse);
    else this.#response.destroy();
    this.#room?.reject(new StreamClosedError());
    this.#room = undefined;
  }

  protected override whenWritable(): Promise<void> {
    return this.#room?.promise ?? Promise.resolve();
  }

  #release(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }
}

/** Bun 1.4 ends a stream for `close()` with a code as if nothing were wrong, and resets it for an error. */
const CLOSE_ENDS = "bun" in process.versions;

function resetStream({ stream, req }: Http2ServerResponse): void {
  if (!CLOSE_ENDS) {
    stream?.close(INTERNAL_ERROR);
    return;
  }
  stream?.on("error", ignore);
  req.on("error", ignore);
  stream?.destroy(new StreamClosedError());
}

/** The fields by name, those that repeat as lists; without those of the connection, as HTTP/2 has none. */
function fieldsByName(headers: HTTPHeaders): Record<string, string | string[]> {
  const fields = Object.create(null) as Record<string, string | string[]>;
  for (const name of headers.keys()) {
    if (isConnectionField(name)) continue;
    const values = headers.getList(name);
    fields[name] = values.length === 1 ? values[0]! : values;
  }
  return fields;
}

/** Names and values in turn, without those of the connection but for `Connection: close`. */
function fieldList(headers: HTTPHeaders): string[] {
  const fields = headers.toRaw();
  const kept: string[] = [];
  let isClosing = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!isConnectionField(name)) kept.push(name, value);
    else if (!isClosing && name.toLowerCase() === "connection") isClosing = saysClose(value);
  }
  if (isClosing) kept.push("Connection", "close");
  return kept;
}

function saysClose(value: string): boolean {
  return value.split(",").some((token) => token.trim().toLowerCase() === "close");
}
