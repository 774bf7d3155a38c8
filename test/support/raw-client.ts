/**
 * A client of raw bytes: sends what it is told and cuts what comes back into responses, with a reader of its own so
 * that the tests do not check squall with squall. Works on whatever network the loop has.
 */
import { once } from "node:events";
import type { IOLoop } from "#room/async/ioloop";
import type { NetworkSocket } from "#room/async/network";
import { nodeNetwork } from "#room/net/node-network";

/** One response as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  /** In order, as sent. */
  readonly headers: readonly (readonly [string, string])[];
  /** Without chunked coding. */
  readonly body: Buffer;
  /** The sizes of its chunks, without the last; undefined when it was not chunked. */
  readonly chunks: readonly number[] | undefined;
  /** The input ended before the body was whole. */
  readonly truncated: boolean;
}

/** The value of the first field with this name. */
export function field(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

interface Cut {
  readonly response: RawResponse;
  readonly used: number;
}

/** Cuts one response off the front of `input`; undefined while it is not whole and more can come. */
function cutResponse(input: Buffer, isHead: boolean, ended: boolean): Cut | undefined {
  const headEnd = input.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [startLine, ...lines] = input.toString("latin1", 0, headEnd).split("\r\n");
  const match = /^(HTTP\/\d\.\d) (\d{3}) (.*)$/.exec(startLine!);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(startLine)}`);
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`not a field line: ${JSON.stringify(line)}`);
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const head = { version: match[1]!, status: Number(match[2]), reason: match[3]!, headers };
  const find = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const start = headEnd + 4;
  const whole = (body: Buffer, used: number, chunks?: number[], truncated = false): Cut => ({
    response: { ...head, body, chunks, truncated },
    used,
  });
  if (isHead || head.status < 200 || head.status === 204 || head.status === 304)
    return whole(Buffer.alloc(0), start);
  if (find("transfer-encoding")?.toLowerCase() === "chunked") return cutChunked(input, start, ended, whole);
  const length = find("content-length");
  if (length === undefined) return ended ? whole(input.subarray(start), input.length) : undefined;
  const end = start + Number(length);
  if (input.length >= end) return whole(input.subarray(start, end), end);
  return ended ? whole(input.subarray(start), input.length, undefined, true) : undefined;
}

/** Cuts everything that came into responses; `heads` are the indexes of the answers to HEAD requests. */
export function cutAll(input: Buffer, heads: readonly number[], ended: boolean): RawResponse[] {
  const responses: RawResponse[] = [];
  let rest = input;
  while (rest.length > 0) {
    const cut = cutResponse(rest, heads.includes(responses.length), ended) ?? cutResponse(rest, false, true);
    if (cut === undefined) break;
    responses.push(cut.response);
    rest = rest.subarray(cut.used);
  }
  return responses;
}

function cutChunked(
  input: Buffer,
  start: number,
  ended: boolean,
  whole: (body: Buffer, used: number, chunks?: number[], truncated?: boolean) => Cut,
): Cut | undefined {
  const pieces: Buffer[] = [];
  const sizes: number[] = [];
  const broken = () => (ended ? whole(Buffer.concat(pieces), input.length, sizes, true) : undefined);
  let at = start;
  while (true) {
    const lineEnd = input.indexOf("\r\n", at);
    if (lineEnd < 0) return broken();
    const size = Number.parseInt(input.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error(`not a chunk size: ${input.toString("latin1", at, lineEnd)}`);
    at = lineEnd + 2;
    if (size === 0) break;
    if (input.length < at + size + 2) return broken();
    pieces.push(input.subarray(at, at + size));
    sizes.push(size);
    at += size + 2;
  }
  while (true) {
    const lineEnd = input.indexOf("\r\n", at);
    if (lineEnd < 0) return broken();
    const empty = lineEnd === at;
    at = lineEnd + 2;
    if (empty) return whole(Buffer.concat(pieces), at, sizes);
  }
}

/** One connection. */
export class RawClient {
  readonly socket: NetworkSocket;
  /** Everything that came and was not cut off yet. */
  received: Buffer = Buffer.alloc(0);
  /** The server's FIN has come. */
  ended = false;
  /** The connection is gone. */
  closed = false;
  error: Error | undefined;
  #wake: (() => void)[] = [];

  private constructor(socket: NetworkSocket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#changed();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#changed();
    });
    socket.on("error", (error: Error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.closed = true;
      this.ended = true;
      this.#changed();
    });
  }

  /** Connects to a port of this machine, on the loop's network. */
  static async connect(loop: IOLoop, port: number): Promise<RawClient> {
    const network = loop.network ?? nodeNetwork;
    const socket = network.connect({ host: "127.0.0.1", port });
    const client = new RawClient(socket);
    if (socket.connecting) await once(socket, "connect");
    return client;
  }

  send(...pieces: readonly (string | Uint8Array)[]): void {
    for (const piece of pieces)
      this.socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
  }

  /** Sends FIN. */
  end(): void {
    this.socket.end();
  }

  /** Reads one response; `method` is that of its request. Rejects when the connection ends before its head. */
  async response(method = "GET"): Promise<RawResponse> {
    while (true) {
      const cut = cutResponse(this.received, method === "HEAD", this.ended);
      if (cut !== undefined) {
        this.received = this.received.subarray(cut.used);
        return cut.response;
      }
      if (this.ended) {
        throw new Error(
          `the connection ended; what came: ${JSON.stringify(this.received.toString("latin1"))}`,
        );
      }
      await this.#change();
    }
  }

  /** Everything up to the server's FIN or the end of the connection, as latin1 text. */
  async rest(): Promise<string> {
    while (!this.ended) await this.#change();
    const text = this.received.toString("latin1");
    this.received = Buffer.alloc(0);
    return text;
  }

  /** Waits for the server's FIN (or the end of the connection). */
  async whenEnded(): Promise<void> {
    while (!this.ended) await this.#change();
  }

  /** Waits until the connection is gone. */
  async whenClosed(): Promise<void> {
    while (!this.closed) await this.#change();
  }

  /** Waits until what came satisfies `isEnough`, or the server's FIN. */
  async whenReceived(isEnough: (received: Buffer) => boolean): Promise<void> {
    while (!this.ended && !isEnough(this.received)) await this.#change();
  }

  /** Waits until `text` has come. */
  async until(text: string): Promise<void> {
    while (!this.received.includes(text)) {
      if (this.ended) throw new Error(`the connection ended before ${JSON.stringify(text)} came`);
      await this.#change();
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
