/**
 * How bodies end, and who reads them (RFC 9112 §6.3): one entry for each framing, all with the same few
 * members, so that the receiver does not know one from another.
 *
 *     none      the head is the whole message
 *     length    as many bytes as Content-Length says
 *     chunked   until the chunk of size 0; a trailer section follows (§7.1)
 *     close     until the connection ends (responses only)
 *
 * A reader is made once the visitor has seen the head, because the visitor may still change the limit of the
 * body.
 */
import type { BodyReader } from "./body-reader.js";
import { ChunkedReader } from "./chunked.js";
import { HTTP1Error } from "./errors.js";
import type { HTTP1Limits } from "./limits.js";
import type { BodyFraming } from "./visitor.js";

/** Makes the reader of a body; throws an {@link HTTP1Error} when the head already announces too much. */
type MakeBodyReader = (contentLength: number, limits: HTTP1Limits, maxBodySize: number) => BodyReader;

/** The maker of the reader for each framing that has a body. */
export const BODY_READERS: Readonly<Record<Exclude<BodyFraming, "none">, MakeBodyReader>> = {
  length: (contentLength, _limits, maxBodySize) => new LengthReader(contentLength, maxBodySize),
  chunked: (_contentLength, limits) => new ChunkedReader(limits.maxChunkExtensionSize),
  close: () => new CloseReader(),
};

class LengthReader implements BodyReader {
  position: number;
  #remaining: number;

  constructor(length: number, maxBodySize: number) {
    if (length > maxBodySize) throw bodyTooLarge(maxBodySize);
    this.position = 0;
    this.#remaining = length;
  }

  get done(): boolean {
    return this.#remaining === 0;
  }

  get hasTrailers(): boolean {
    return false;
  }

  get endsWithInput(): boolean {
    return false;
  }

  read(bytes: Buffer, start: number): Buffer {
    const end = Math.min(bytes.length, start + this.#remaining);
    this.#remaining -= end - start;
    this.position = end;
    return piece(bytes, start, end);
  }
}

class CloseReader implements BodyReader {
  position: number;
  #received: number;

  constructor() {
    this.position = 0;
    this.#received = 0;
  }

  get done(): boolean {
    return false;
  }

  get hasTrailers(): boolean {
    return false;
  }

  get endsWithInput(): boolean {
    return true;
  }

  read(bytes: Buffer, start: number, maxBodySize: number): Buffer {
    this.position = bytes.length;
    this.#received += bytes.length - start;
    if (this.#received > maxBodySize) throw bodyTooLarge(maxBodySize);
    return piece(bytes, start, bytes.length);
  }
}

function piece(bytes: Buffer, start: number, end: number): Buffer {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

/** The error for a body over its limit. */
export function bodyTooLarge(limit: number): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_BODY_TOO_LARGE", `the body is larger than ${limit} bytes`);
}
