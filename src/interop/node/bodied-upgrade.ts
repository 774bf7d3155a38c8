/**
 * The connection of a request that asks for another protocol and has a body, under Node 26 and under Bun.
 *
 * Earlier versions hand the connection over behind the head, and the body is read from there. Node 26 reads
 * the body itself: it is in the request, and the stream that comes with the event begins behind it. Here the
 * octets are put in order again (the head, the body in the framing that the head announces, what follows), so
 * that a server finds what the client sent.
 */
import type { IncomingMessage } from "node:http";
import { Duplex, type Readable } from "node:stream";
import type { NetworkSocket } from "../../async/network.js";

/** The first major version of Node that reads these bodies. */
const READS_BODIES = 26;

type Callback = (error?: Error | null) => void;

/**
 * Whether Node has read the body of this request, or is about to. `stream` is what came with the event
 * "upgrade".
 */
export function isBodyRead(request: IncomingMessage, stream: Duplex): boolean {
  // Bun has such a body in the request from the beginning, and shows the connection all the same.
  if ("bun" in process.versions && announcesBody(request)) return true;
  // A body that is still on its way hides its connection.
  if (stream !== request.socket || request.readableLength > 0) return true;
  // An empty body in chunks leaves no trace.
  const isChunked = request.headers["transfer-encoding"] !== undefined;
  return isChunked && Number.parseInt(process.versions.node, 10) >= READS_BODIES;
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** See the head of this file. It has the addresses of the connection, and ends with it. */
export class BodiedUpgrade extends Duplex implements NetworkSocket {
  readonly connecting: boolean = false;
  readonly #request: IncomingMessage;
  /** What follows the body; what is written goes there, too. */
  readonly #stream: Duplex;
  readonly #isChunked: boolean;
  /** What is being read. */
  #source: Readable;

  /** `head` is that of the request, `rest` what came behind its body. */
  constructor(request: IncomingMessage, stream: Duplex, head: Buffer, rest: Buffer) {
    super({ allowHalfOpen: true });
    this.#request = request;
    this.#stream = stream;
    this.#isChunked = request.headers["transfer-encoding"] !== undefined;
    this.#source = request;
    this.push(head);
    const broken = (error?: Error): void => {
      this.destroy(error);
    };
    request.on("data", (piece: Buffer) => this.#pass(this.#isChunked ? framed(piece) : piece));
    request.on("end", () => {
      if (this.#isChunked) this.push(lastChunk(request.rawTrailers));
      if (rest.length > 0) this.push(rest);
      this.#follow();
    });
    request.on("error", broken);
    stream.on("error", broken);
    stream.on("close", () => this.destroy());
    request.pause();
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#request.socket.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#request.socket.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.#request.socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#request.socket.localPort;
  }

  setNoDelay(noDelay?: boolean): this {
    this.#request.socket.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): this {
    this.#request.socket.setKeepAlive(enable, initialDelay);
    return this;
  }

  resetAndDestroy(): this {
    this.#request.socket.resetAndDestroy();
    return this.destroy();
  }

  override _read(): void {
    this.#source.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: Callback): void {
    this.#stream.write(chunk, encoding, callback);
  }

  override _final(callback: Callback): void {
    this.#stream.end(callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#stream.destroy();
    callback(error);
  }

  #pass(piece: Buffer): void {
    if (!this.push(piece)) this.#source.pause();
  }

  /** The body is whole. */
  #follow(): void {
    const stream = this.#stream;
    this.#source = stream;
    stream.on("data", (piece: Buffer) => this.#pass(piece));
    stream.on("end", () => this.push(null));
  }
}

/** A piece as a chunk (RFC 9112 §7.1). */
function framed(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
}

function lastChunk(trailers: readonly string[]): Buffer {
  let text = "0\r\n";
  for (let i = 0; i < trailers.length; i += 2) text += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, "latin1");
}
