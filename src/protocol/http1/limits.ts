/**
 * How much a peer may send. Every limit is on by default, and `Infinity` switches it off.
 *
 * The numbers follow precedent: RFC 9112 §3 asks for request lines of at least 8000 octets; nginx and Apache
 * allow 8 KiB for a line and Apache 100 fields; Tornado allows 64 KiB for the header block and 100 MiB for a
 * body; Go and Node bound the chunk extensions of a body at 16 KiB.
 */
import { checkLimit } from "../../base/validate.js";

/** The limits of an {@link HTTP1Receiver}; each may be left out. */
export interface HTTP1LimitsOptions {
  /**
   * Start line and header fields together, in bytes with all line ends; also the trailer section. Default 64
   * KiB.
   */
  readonly maxHeaderSize?: number | undefined;
  /** The request line or status line, in bytes with its line end. Default 8 KiB. */
  readonly maxStartLineSize?: number | undefined;
  /** Field lines in a header block, and again in a trailer section. Default 100. */
  readonly maxHeaderFields?: number | undefined;
  /** Blank lines before a request line (RFC 9112 §2.2 asks to skip at least one). Default 4. */
  readonly maxBlankLines?: number | undefined;
  /** Bytes of a body after removing chunked coding. Default 100 MiB; 0 means that no body is taken. */
  readonly maxBodySize?: number | undefined;
  /** Chunk-extension bytes in one body. Default 16 KiB. */
  readonly maxChunkExtensionSize?: number | undefined;
  /** 1xx responses before the final one, on a client. Default 100. */
  readonly maxInformational?: number | undefined;
}

/** Limits with every default filled in. */
export type HTTP1Limits = { readonly [K in keyof HTTP1LimitsOptions]-?: number };

const KIB = 1024;
const MIB = 1024 * KIB;

/** What holds unless an option says otherwise. */
export const DEFAULT_HTTP1_LIMITS: HTTP1Limits = Object.freeze({
  maxHeaderSize: 64 * KIB,
  maxStartLineSize: 8 * KIB,
  maxHeaderFields: 100,
  maxBlankLines: 4,
  maxBodySize: 100 * MIB,
  maxChunkExtensionSize: 16 * KIB,
  maxInformational: 100,
});

/**
 * Checks the options and fills in the defaults.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a value that is neither an integer of at
 * least 0 nor `Infinity`.
 */
export function resolveHTTP1Limits(options: HTTP1LimitsOptions = {}): HTTP1Limits {
  const limits: { -readonly [K in keyof HTTP1Limits]: number } = { ...DEFAULT_HTTP1_LIMITS };
  for (const name of Object.keys(limits) as (keyof HTTP1Limits)[]) {
    limits[name] = checkLimit(name, options[name] ?? limits[name]);
  }
  return limits;
}
