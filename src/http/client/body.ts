/**
 * The body of a request in one of two shapes: octets that are there, or something that writes them piece by
 * piece. A body that can be sent a second time is what redirects with 307 and 308, retries and digest
 * authentication need.
 */
import { asBuffer } from "../../base/bytes.js";
import { InvalidArgumentError } from "../../base/errors.js";
import type { Chunk } from "../delegates.js";
import { encodeFormData } from "./form-data.js";
import type { BodyInput, BodyProducer } from "./request.js";

/** What is sent as a body. */
export interface RequestBody {
  /** The whole body, if it is there; undefined if it is written by `produce`. */
  readonly bytes: Buffer | undefined;
  /** How long it is; undefined if that is not known before it is written. */
  readonly length: number | undefined;
  /** What Content-Type says unless the caller says otherwise. */
  readonly contentType: string | undefined;
  /** Whether it can be sent again. */
  readonly isReplayable: boolean;
  /** Writes it; undefined if `bytes` is there. */
  readonly produce: BodyProducer | undefined;
}

/**
 * The body that a caller gave.
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for anything that cannot be one.
 */
export function toRequestBody(body: BodyInput): RequestBody {
  if (body instanceof Uint8Array) return whole(asBuffer(body));
  if (typeof body === "string") return whole(Buffer.from(body));
  if (body instanceof ArrayBuffer) return whole(Buffer.from(body));
  if (body instanceof URLSearchParams) {
    return whole(Buffer.from(body.toString()), "application/x-www-form-urlencoded;charset=UTF-8");
  }
  if (body instanceof FormData) {
    const form = encodeFormData(body);
    return produced(
      writerOf(() => form.pieces()),
      true,
      form.length,
      form.contentType,
    );
  }
  if (body instanceof Blob) {
    const pieces = () => body.stream() as unknown as AsyncIterable<Uint8Array>;
    return produced(writerOf(pieces), true, body.size, body.type === "" ? undefined : body.type);
  }
  if (Symbol.asyncIterator in body || Symbol.iterator in body)
    return produced(
      writerOf(() => body),
      false,
    );
  throw new InvalidArgumentError(
    "a body is text, octets, URLSearchParams, FormData, a Blob, a web stream or an iterable of text and octets",
  );
}

/** A body that a function of the caller writes, as often as it is sent. */
export function producedBody(producer: BodyProducer, length: number | undefined): RequestBody {
  return produced(producer, true, length);
}

function whole(bytes: Buffer, contentType?: string): RequestBody {
  return { bytes, length: bytes.length, contentType, isReplayable: true, produce: undefined };
}

function produced(
  produce: BodyProducer,
  isReplayable: boolean,
  length?: number | undefined,
  contentType?: string | undefined,
): RequestBody {
  return { bytes: undefined, length, contentType, isReplayable, produce };
}

function writerOf(open: () => AsyncIterable<Chunk> | Iterable<Chunk>): BodyProducer {
  return async (write) => {
    for await (const piece of open()) await write(piece);
  };
}
