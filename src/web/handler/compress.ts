/**
 * Responses in gzip (RFC 1952) or brotli (RFC 7932), for clients that accept it: the `compressResponse`
 * setting.
 *
 * Text is worth the trouble, pictures are not; a response of one piece has to be 1,024 octets long, or the
 * container and the time would cost more than they save. A response that is sent in pieces is always
 * compressed, and each flush makes everything written before readable at the other end. The work is done on
 * the thread pool, except for pieces so small that the way there would take longer; the loop goes on
 * meanwhile.
 *
 * A compressed response is another representation of the same thing: its tag becomes a weak one (RFC 9110
 * §8.8.1), and `Vary` makes caches keep the two apart. A part of a file (206) stays as it is: its range
 * counts the octets of the plain one. Secrets that are shown on a page beside text that a stranger can choose
 * may be guessed from its compressed length (BREACH); XSRF tokens are masked for that reason.
 */
import type * as zlib from "node:zlib";
import type { HTTPServerRequest } from "../../http/request.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { TransformedHead } from "../types.js";
import { addToVary } from "./header-value.js";
import { preferred } from "./negotiate.js";
import { OutputTransform } from "./output-transform.js";

/** Below this, compressing at once takes less time than a thread would need to begin: about 0.1 ms. */
const AT_ONCE = 8 * 1024;

type Coding = "gzip" | "br";

/**
 * Brotli's own default, 11, is for files that are compressed once; 4 takes about as long as gzip and packs
 * tighter.
 */
function brotliOptions(): zlib.BrotliOptions {
  const { constants } = process.getBuiltinModule("node:zlib");
  return { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
}

/** A compressor that is fed piece by piece. */
class Stream {
  readonly #engine: zlib.Gzip | zlib.BrotliCompress;
  readonly #flushKind: number;
  #pieces: Buffer[] = [];

  constructor(coding: Coding, level: number) {
    const { constants, createBrotliCompress, createGzip } = process.getBuiltinModule("node:zlib");
    this.#engine = coding === "gzip" ? createGzip({ level }) : createBrotliCompress(brotliOptions());
    this.#flushKind = coding === "gzip" ? constants.Z_SYNC_FLUSH : constants.BROTLI_OPERATION_FLUSH;
    this.#engine.on("data", (piece: Buffer) => this.#pieces.push(piece));
  }

  /** Everything that the pieces so far have become, so that the other end can read all of them. */
  push(chunk: Buffer, finishing: boolean): Promise<Buffer> {
    const engine = this.#engine;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        engine.removeListener("error", reject);
        const pieces = this.#pieces;
        this.#pieces = [];
        resolve(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
      };
      engine.once("error", reject);
      if (finishing) {
        engine.once("end", done);
        engine.end(chunk);
      } else {
        engine.write(chunk);
        engine.flush(this.#flushKind, done);
      }
    });
  }

  close(): void {
    this.#engine.destroy();
  }
}

/**
 * The transform behind the `compressResponse` setting. Subclass it and give your class in the `transforms`
 * option of the application for other types or sizes. Tornado `web.GZipContentEncoding`.
 */
export class GZipContentEncoding extends OutputTransform {
  /** Types that are compressed besides `text/*`, as Tornado has them. */
  static readonly CONTENT_TYPES: ReadonlySet<string> = new Set([
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/atom+xml",
    "application/json",
    "application/xhtml+xml",
    "image/svg+xml",
  ]);
  /** How hard gzip tries, from 1 to 9; 6 is zlib's own default. */
  static readonly GZIP_LEVEL: number = 6;
  /** Octets that a response of one piece must have. */
  static readonly MIN_LENGTH: number = 1024;

  readonly #accepted: Coding | undefined;
  #stream: Stream | undefined = undefined;

  constructor(request: HTTPServerRequest) {
    super(request);
    this.#accepted = codingFor(request);
  }

  /** True for a media type that is worth compressing; parameters are cut off already. */
  static isCompressible(type: string): boolean {
    return type.startsWith("text/") || this.CONTENT_TYPES.has(type);
  }

  override transformFirstChunk(
    statusCode: number,
    headers: HTTPHeaders,
    chunk: Buffer,
    finishing: boolean,
  ): TransformedHead | Promise<TransformedHead> {
    addToVary(headers, "Accept-Encoding");
    const coding = this.#accepted;
    if (coding === undefined || !this.#isWorthIt(statusCode, headers, chunk, finishing)) {
      return [statusCode, headers, chunk];
    }
    headers.set("Content-Encoding", coding);
    const etag = headers.get("Etag");
    if (etag?.startsWith('"') === true) headers.set("Etag", `W/${etag}`);
    // The ranges that a client asks for later would be those of the plain representation.
    headers.delete("Accept-Ranges");
    const { ioLoop } = this.request;
    const { GZIP_LEVEL: level } = this.constructor as typeof GZipContentEncoding;
    if (!finishing) {
      headers.delete("Content-Length");
      this.#stream = new Stream(coding, level);
      return ioLoop
        .external(this.#stream.push(chunk, false))
        .then((piece) => [statusCode, headers, piece] as const);
    }
    const whole = (body: Buffer) => {
      if (headers.has("Content-Length")) headers.set("Content-Length", String(body.length));
      return [statusCode, headers, body] as const;
    };
    const { brotliCompress, brotliCompressSync, gzip, gzipSync } = process.getBuiltinModule("node:zlib");
    if (chunk.length <= AT_ONCE) {
      return whole(
        coding === "gzip" ? gzipSync(chunk, { level }) : brotliCompressSync(chunk, brotliOptions()),
      );
    }
    const packed = new Promise<Buffer>((resolve, reject) => {
      const done = (error: Error | null, body: Buffer) => (error === null ? resolve(body) : reject(error));
      if (coding === "gzip") gzip(chunk, { level }, done);
      else brotliCompress(chunk, brotliOptions(), done);
    });
    return ioLoop.external(packed).then(whole);
  }

  override transformChunk(chunk: Buffer, finishing: boolean): Buffer | Promise<Buffer> {
    if (this.#stream === undefined) return chunk;
    return this.request.ioLoop.external(this.#stream.push(chunk, finishing));
  }

  override onEnd(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  #isWorthIt(statusCode: number, headers: HTTPHeaders, chunk: Buffer, finishing: boolean): boolean {
    const ours = this.constructor as typeof GZipContentEncoding;
    if (finishing && chunk.length < ours.MIN_LENGTH) return false;
    if (statusCode === 206 || headers.has("Content-Range") || headers.has("Content-Encoding")) return false;
    if (/\bno-transform\b/i.test(headers.get("Cache-Control") ?? "")) return false;
    const type = (headers.get("Content-Type") ?? "").split(";", 1)[0]!;
    return ours.isCompressible(type.trim().toLowerCase());
  }
}

/** Gzip, unless the client prefers brotli; `undefined` if it accepts neither. */
function codingFor(request: HTTPServerRequest): Coding | undefined {
  const accepted = request.headers.get("Accept-Encoding");
  if (accepted === undefined) return undefined;
  const coding = preferred(accepted, ["gzip", "x-gzip", "br"], (range, offer) => (range === offer ? 1 : 0));
  return coding === "x-gzip" ? "gzip" : (coding as Coding | undefined);
}
