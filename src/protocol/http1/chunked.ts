/**
 * The chunked transfer coding (RFC 9112 §7.1), read as bytes come:
 *
 *     SIZE_FIRST → SIZE ─┬──────────────────→ SIZE_END → DATA → DATA_CR → DATA_LF → SIZE_FIRST …
 *                        └→ the states EXT_* ─↗      └→ (size 0) DONE: the trailer section follows
 *
 * Extensions are checked and forgotten (§7.1.1), and their bytes counted for the whole body: a peer that
 * sends a kilobyte of them with each octet would otherwise cost a thousand times what the body limit
 * promises.
 *
 * Small chunks that come in one read are handed out together. A chunk of one octet costs the sender six bytes
 * and would cost us a Buffer object of a hundred; joined, ten megabytes of them cost little more than ten
 * megabytes.
 */
import { HEX_VALUE } from "../../base/percent.js";
import { CHAR_CLASS, FIELD_VALUE, TOKEN } from "../fields/abnf.js";
import type { BodyReader } from "./body-reader.js";
import { HTTP1Error, shownOctet } from "./errors.js";
import { BACKSLASH, CR, DQUOTE, EQUALS, HTAB, LF, SEMICOLON, SP } from "./octets.js";

const SIZE_FIRST = 0;
const SIZE = 1;
const SIZE_END = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const DONE = 6;
/** Space after the size or a value: only `;` may follow. */
const EXT_BWS = 7;
/** After `;`: space, then a name. */
const EXT_NAME_FIRST = 8;
const EXT_NAME = 9;
/** Space after a name: `=` or `;` may follow. */
const EXT_NAME_BWS = 10;
/** After `=`: space, then a token or a quoted string. */
const EXT_VALUE_FIRST = 11;
const EXT_TOKEN = 12;
const EXT_QUOTED = 13;
const EXT_ESCAPE = 14;
/** After the closing quote. */
const EXT_QUOTED_END = 15;

/** Sizes of up to 2^53 have 14 digits; two more leave room for leading zeros. */
const MAX_SIZE_DIGITS = 16;
/** Below this a piece of body is copied to its neighbours; above, a view costs less than copying. */
const JOIN_BELOW = 1024;
/** How much is joined at most before it is handed out. */
const JOINED_SIZE = 16 * 1024;
/** Below this a loop copies faster than a call into C++. */
const COPY_BY_LOOP = 32;

/** Reads one chunked body. */
export class ChunkedReader implements BodyReader {
  position: number;

  /** Bytes of body in the chunks announced so far; compared with `maxBodySize` as each size line ends. */
  #announced: number;
  #state: number;
  /** The size that is being read, then the bytes of the chunk still to come. */
  #remaining: number;
  #digits: number;
  #extensionBytes: number;
  readonly #maxExtensionBytes: number;

  constructor(maxExtensionBytes: number) {
    this.position = 0;
    this.#announced = 0;
    this.#state = SIZE_FIRST;
    this.#remaining = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#maxExtensionBytes = maxExtensionBytes;
  }

  /** True when the last chunk was read; what follows is the trailer section. */
  get done(): boolean {
    return this.#state === DONE;
  }

  get hasTrailers(): boolean {
    return true;
  }

  get endsWithInput(): boolean {
    return false;
  }

  read(bytes: Buffer, start: number, maxBodySize: number): Buffer | undefined {
    const end = bytes.length;
    let at = start;
    let joined: Buffer | undefined;
    let joinedLength = 0;
    while (at < end && this.#state !== DONE) {
      if (this.#state !== DATA) {
        at = this.#readBetween(bytes, at, maxBodySize);
        continue;
      }
      const length = Math.min(this.#remaining, end - at);
      const isSmall = length < JOIN_BELOW;
      if (joined !== undefined && (!isSmall || joinedLength + length > joined.length)) break;
      if (isSmall) {
        joined ??= Buffer.allocUnsafe(Math.min(end - at, JOINED_SIZE));
        copyBytes(bytes, at, length, joined, joinedLength);
        joinedLength += length;
      }
      this.#remaining -= length;
      if (this.#remaining === 0) this.#state = DATA_CR;
      at += length;
      if (!isSmall) {
        this.position = at;
        return bytes.subarray(at - length, at);
      }
    }
    this.position = at;
    return joined === undefined || joinedLength === joined.length ? joined : joined.subarray(0, joinedLength);
  }

  /** Reads what stands between the data of two chunks: CRLF and a size line. Returns where it stopped. */
  #readBetween(bytes: Buffer, start: number, maxBodySize: number): number {
    const end = bytes.length;
    let at = start;
    let state = this.#state;
    while (at < end) {
      const octet = bytes[at++]!;
      switch (state) {
        case SIZE_FIRST:
        case SIZE: {
          const digit = HEX_VALUE[octet]!;
          if (digit !== 255) {
            if (++this.#digits > MAX_SIZE_DIGITS) throw tooManyDigits();
            this.#remaining = this.#remaining * 16 + digit;
            state = SIZE;
          } else {
            if (state === SIZE_FIRST) throw badSize(octet);
            state = afterSize(octet);
            if (state !== SIZE_END) this.#countExtension();
          }
          break;
        }
        case SIZE_END:
          if (octet !== LF) throw badSize(octet);
          this.#beginChunk(maxBodySize);
          return at;
        case DATA_CR:
          if (octet !== CR) throw badDataEnd(octet);
          state = DATA_LF;
          break;
        case DATA_LF:
          if (octet !== LF) throw badDataEnd(octet);
          state = SIZE_FIRST;
          break;
        default:
          state = nextInExtension(state, octet);
          if (state !== SIZE_END) this.#countExtension();
          break;
      }
    }
    this.#state = state;
    return at;
  }

  #beginChunk(maxBodySize: number): void {
    this.#digits = 0;
    if (this.#remaining === 0) {
      this.#state = DONE;
      return;
    }
    this.#announced += this.#remaining;
    if (this.#announced > maxBodySize || this.#announced > Number.MAX_SAFE_INTEGER) {
      throw new HTTP1Error("ERR_SQUALL_HTTP_BODY_TOO_LARGE", `the body is larger than ${maxBodySize} bytes`);
    }
    this.#state = DATA;
  }

  #countExtension(): void {
    if (++this.#extensionBytes <= this.#maxExtensionBytes) return;
    throw new HTTP1Error(
      "ERR_SQUALL_HTTP_CHUNK_EXTENSIONS_TOO_LARGE",
      `more than ${this.#maxExtensionBytes} bytes of chunk extensions in one body`,
    );
  }
}

function copyBytes(from: Buffer, start: number, length: number, to: Buffer, at: number): void {
  if (length < COPY_BY_LOOP) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
  } else {
    from.copy(to, at, start, start + length);
  }
}

function afterSize(octet: number): number {
  if (octet === CR) return SIZE_END;
  if (octet === SEMICOLON) return EXT_NAME_FIRST;
  if (octet === SP || octet === HTAB) return EXT_BWS;
  throw badSize(octet);
}

/**
 * The state after `octet` inside `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`. Space
 * before the line end is not in the grammar, and a CR ends the line and nothing else.
 */
function nextInExtension(state: number, octet: number): number {
  const isSpace = octet === SP || octet === HTAB;
  switch (state) {
    case EXT_BWS:
      if (isSpace) return EXT_BWS;
      if (octet === SEMICOLON) return EXT_NAME_FIRST;
      break;
    case EXT_NAME_FIRST:
      if (isSpace) return EXT_NAME_FIRST;
      if (isTokenOctet(octet)) return EXT_NAME;
      break;
    case EXT_NAME:
      if (isTokenOctet(octet)) return EXT_NAME;
      if (octet === CR) return SIZE_END;
      if (octet === EQUALS) return EXT_VALUE_FIRST;
      if (octet === SEMICOLON) return EXT_NAME_FIRST;
      if (isSpace) return EXT_NAME_BWS;
      break;
    case EXT_NAME_BWS:
      if (isSpace) return EXT_NAME_BWS;
      if (octet === EQUALS) return EXT_VALUE_FIRST;
      if (octet === SEMICOLON) return EXT_NAME_FIRST;
      break;
    case EXT_VALUE_FIRST:
      if (isSpace) return EXT_VALUE_FIRST;
      if (octet === DQUOTE) return EXT_QUOTED;
      if (isTokenOctet(octet)) return EXT_TOKEN;
      break;
    case EXT_TOKEN:
      if (isTokenOctet(octet)) return EXT_TOKEN;
      if (octet === CR) return SIZE_END;
      if (octet === SEMICOLON) return EXT_NAME_FIRST;
      if (isSpace) return EXT_BWS;
      break;
    case EXT_QUOTED:
      if (octet === DQUOTE) return EXT_QUOTED_END;
      if (octet === BACKSLASH) return EXT_ESCAPE;
      if (isValueOctet(octet)) return EXT_QUOTED;
      break;
    case EXT_ESCAPE:
      if (isValueOctet(octet)) return EXT_QUOTED;
      break;
    case EXT_QUOTED_END:
      if (octet === CR) return SIZE_END;
      if (octet === SEMICOLON) return EXT_NAME_FIRST;
      if (isSpace) return EXT_BWS;
      break;
  }
  throw new HTTP1Error(
    "ERR_SQUALL_HTTP_CHUNK_EXTENSION",
    `a chunk extension cannot hold ${shownOctet(octet)} here`,
  );
}

function isTokenOctet(octet: number): boolean {
  return (CHAR_CLASS[octet]! & TOKEN) !== 0;
}

function isValueOctet(octet: number): boolean {
  return (CHAR_CLASS[octet]! & FIELD_VALUE) !== 0;
}

function badSize(octet: number): HTTP1Error {
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_CHUNK_SIZE",
    `expected a chunk size in hexadecimal digits and CRLF, got ${shownOctet(octet)}`,
  );
}

function tooManyDigits(): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_CHUNK_SIZE", `a chunk size has at most ${MAX_SIZE_DIGITS} digits`);
}

function badDataEnd(octet: number): HTTP1Error {
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_CHUNK_DATA",
    `expected CRLF after the data of a chunk, got ${shownOctet(octet)}`,
  );
}
