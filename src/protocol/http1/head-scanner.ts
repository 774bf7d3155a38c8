/**
 * Finds the parts of a header block (RFC 9112 §2.1) in bytes: one pass, every byte looked at once and checked
 * by table, nothing copied. It can stop after any byte and go on when more have come, so that a head which
 * arrives in drops costs no more than one which arrives whole, and a bad byte is refused as soon as it is
 * there.
 *
 *     request line    BLANK → METHOD → TARGET → VERSION → LINE_END ┐
 *     status line              STATUS_FIRST → STATUS → LINE_END ───┤
 *     trailer section ─────────────────────────────────────────────┤
 *                                                                  ▼
 *     field lines     FIELD → NAME → SPACE → VALUE → VALUE_END → FIELD … → HEAD_END → (done)
 *
 * A line ends with CRLF and nothing else: RFC 9112 §2.2 lets a recipient take a bare LF as well, but that
 * leniency is what request smuggling between two servers lives on. For the same reason a request may not fold
 * its lines; in a response a folded line is part of the value before it (§5.2), noted by
 * {@link HeadScanner.folded}.
 *
 * The result is a list of positions ("marks"); the receiver decodes the block once and cuts the strings out.
 */
import { CHAR_CLASS, FIELD_VALUE, TOKEN } from "../fields/abnf.js";
import { HTTP1Error, shownOctet } from "./errors.js";
import type { HTTP1Limits } from "./limits.js";
import { COLON, CR, HTAB, LF, SP, TARGET, URI_CLASS } from "./octets.js";

/** The answer of {@link HeadScanner.scan} while the block is not complete. */
export const MORE = -1;

const BLANK = 0;
const BLANK_END = 1;
const METHOD = 2;
const TARGET_FIRST = 3;
const TARGET_REST = 4;
const VERSION = 5;
const STATUS_FIRST = 6;
const STATUS = 7;
const LINE_END = 8;
const FIELD = 9;
const NAME = 10;
const SPACE = 11;
const VALUE = 12;
const VALUE_END = 13;
const HEAD_END = 14;

/** The first octet of a status line: the H of HTTP. */
const LETTER_H = 0x48;

/** What the block begins with. */
export type HeadKind = "request" | "response" | "trailers";

/** Positions before those of the first field; see {@link HeadScanner.marks}. */
export const FIRST_FIELD_MARK = 4;
/** Positions for each field: where its name begins and ends, where its value begins and ends. */
export const MARKS_PER_FIELD = 4;

/** V8 keeps integers below 2^30 unboxed on every platform; no header block gets near. */
const UNLIMITED = 2 ** 30 - 1;
const INITIAL_MARKS = FIRST_FIELD_MARK + 32 * MARKS_PER_FIELD;

/** Scans header blocks. One object serves any number of blocks, one after the other. */
export class HeadScanner {
  /**
   * Positions relative to the start of the block. For a request, where the method begins, where the method,
   * the target and the version end; for a response, where the status line begins and ends; then four for each
   * field.
   */
  marks: Int32Array;
  /** How many fields were found. */
  fieldCount: number;
  /** The complete block, decoded as latin1; set by the receiver for those who cut strings out of it. */
  text: string;

  /** True when a value is folded: its line ends and the blanks around them are still in it. */
  folded: boolean;

  #state: number;
  #isResponse: boolean;
  /** The next byte to look at, relative to the start of the block. */
  #position: number;
  #blankLines: number;
  #lineLimit: number;
  #headLimit: number;
  #maxFields: number;
  #maxBlankLines: number;

  constructor() {
    this.marks = new Int32Array(INITIAL_MARKS);
    this.fieldCount = 0;
    this.text = "";
    this.folded = false;
    this.#state = BLANK;
    this.#isResponse = false;
    this.#position = 0;
    this.#blankLines = 0;
    this.#lineLimit = 0;
    this.#headLimit = 0;
    this.#maxFields = 0;
    this.#maxBlankLines = 0;
  }

  /** Forgets the last block and expects one of this kind. */
  begin(kind: HeadKind, limits: HTTP1Limits): void {
    this.fieldCount = 0;
    this.folded = false;
    this.marks[0] = 0;
    this.#isResponse = kind === "response";
    this.#state = kind === "request" ? BLANK : kind === "response" ? STATUS_FIRST : FIELD;
    this.#position = 0;
    this.#blankLines = 0;
    this.#headLimit = Math.min(limits.maxHeaderSize, UNLIMITED);
    this.#lineLimit = Math.min(limits.maxStartLineSize, this.#headLimit);
    this.#maxFields = limits.maxHeaderFields;
    this.#maxBlankLines = limits.maxBlankLines;
  }

  /** True while nothing has been seen but blank lines. */
  get untouched(): boolean {
    const state = this.#state;
    return state === BLANK || state === BLANK_END || state === STATUS_FIRST;
  }

  /**
   * Looks at the bytes of `bytes` from where the last call stopped up to `end`; the block begins at `base`,
   * which may be another place in each call as long as what was seen lies behind it. Returns the length of
   * the block with its blank line, or {@link MORE}. `words` are the same bytes, four at a time, if the caller
   * has such a view.
   * @throws HTTP1Error at the first byte that breaks a rule or a limit; after that, only
   * {@link HeadScanner.begin} may follow.
   */
  scan(bytes: Uint8Array, base: number, end: number, words?: Int32Array): number {
    if (this.#state < FIELD && !this.#scanStartLine(bytes, base, end)) return MORE;
    return this.#scanFields(bytes, base, end, words);
  }

  /**
   * The start line; true when it is complete. Each `if` is one state and falls into the next, so that a line
   * which is all there is read from top to bottom; `state` is only there to come back to the right place.
   */
  #scanStartLine(bytes: Uint8Array, base: number, end: number): boolean {
    // In a local, V8 need not load the import anew for each octet.
    const classes = CHAR_CLASS;
    const uriClasses = URI_CLASS;
    const marks = this.marks;
    let state = this.#state;
    let at = base + this.#position;
    if (state < METHOD) {
      at = this.#skipBlankLines(bytes, base, end);
      if (at === end) return false;
      marks[0] = at - base;
      state = METHOD;
    }
    // Blank lines do not count towards the limit of the line.
    const limit = Math.min(marks[0]! + this.#lineLimit, this.#headLimit);
    const stop = Math.min(end, base + limit);
    if (state === METHOD) {
      while (at < stop && (classes[bytes[at]!]! & TOKEN) !== 0) at++;
      if (at < stop) {
        if (bytes[at] !== SP) throw badMethod(bytes[at]!);
        marks[1] = at++ - base;
        state = TARGET_FIRST;
      }
    }
    if (state === TARGET_FIRST && at < stop) {
      if ((uriClasses[bytes[at]!]! & TARGET) === 0) throw badTarget(bytes[at]!);
      at++;
      state = TARGET_REST;
    }
    if (state === TARGET_REST) {
      while (at < stop && (uriClasses[bytes[at]!]! & TARGET) !== 0) at++;
      if (at < stop) {
        if (bytes[at] !== SP) throw badTarget(bytes[at]!);
        marks[2] = at++ - base;
        state = VERSION;
      }
    }
    if (state === VERSION) {
      while (at < stop && (uriClasses[bytes[at]!]! & TARGET) !== 0) at++;
      if (at < stop) {
        if (bytes[at] !== CR) throw badVersion(bytes[at]!);
        marks[3] = at++ - base;
        state = LINE_END;
      }
    }
    if (state === STATUS_FIRST && at < stop) {
      if (bytes[at] !== LETTER_H) throw badStatusLine(bytes[at]!);
      marks[0] = at - base;
      state = STATUS;
    }
    if (state === STATUS) {
      at = skip(FIELD_VALUE, bytes, at, stop);
      if (at < stop) {
        if (bytes[at] !== CR) throw badStatusLine(bytes[at]!);
        marks[1] = at++ - base;
        state = LINE_END;
      }
    }
    const isComplete = state === LINE_END && at < stop;
    if (isComplete) {
      if (bytes[at] !== LF) throw bareCarriageReturn();
      at++;
      state = FIELD;
    } else if (at - base >= limit) {
      throw this.#isResponse ? statusLineTooLong(limit) : overLimit(state, limit);
    }
    this.#state = state;
    this.#position = at - base;
    return isComplete;
  }

  /** Returns where the request line begins, or `end` when there were only blank lines. */
  #skipBlankLines(bytes: Uint8Array, base: number, end: number): number {
    let at = base + this.#position;
    for (; at < end; at++) {
      const octet = bytes[at]!;
      if (this.#state === BLANK_END) {
        if (octet !== LF) throw bareCarriageReturn();
        if (++this.#blankLines > this.#maxBlankLines) throw tooManyBlankLines(this.#maxBlankLines);
        this.#state = BLANK;
      } else if (octet === CR) {
        this.#state = BLANK_END;
      } else {
        if ((CHAR_CLASS[octet]! & TOKEN) === 0) throw badFirstOctet(octet);
        return at;
      }
    }
    this.#position = at - base;
    return at;
  }

  /** Field lines and the blank line behind them, in the manner of the start line. Returns as `scan` does. */
  #scanFields(bytes: Uint8Array, base: number, end: number, words: Int32Array | undefined): number {
    const classes = CHAR_CLASS;
    const limit = this.#headLimit;
    const stop = Math.min(end, base + limit);
    let state = this.#state;
    let at = base + this.#position;
    let marks = this.marks;
    let mark = FIRST_FIELD_MARK + this.fieldCount * MARKS_PER_FIELD;
    while (at < stop) {
      if (state === FIELD) {
        const octet = bytes[at]!;
        if (octet === CR) {
          state = HEAD_END;
          at++;
          continue;
        }
        if ((classes[octet]! & TOKEN) !== 0) {
          if (this.fieldCount >= this.#maxFields) throw tooManyFields(this.#maxFields);
          if (mark + MARKS_PER_FIELD > marks.length) marks = this.#growMarks();
          marks[mark] = at++ - base;
          state = NAME;
        } else {
          if (!this.#mayContinue(octet)) throw badFieldStart(octet);
          // Back into the value of the field before.
          this.folded = true;
          this.fieldCount--;
          mark -= MARKS_PER_FIELD;
          state = VALUE;
        }
      }
      if (state === NAME) {
        at = skip(TOKEN, bytes, at, stop);
        if (at === stop) break;
        if (bytes[at] !== COLON) throw badName(bytes[at]!);
        marks[mark + 1] = at++ - base;
        state = SPACE;
      }
      if (state === SPACE) {
        while (at < stop && (bytes[at] === SP || bytes[at] === HTAB)) at++;
        if (at === stop) break;
        marks[mark + 2] = at - base;
        state = VALUE;
      }
      if (state === VALUE) {
        if (words !== undefined) at = skipWords(bytes, words, at, stop);
        at = skip(FIELD_VALUE, bytes, at, stop);
        if (at === stop) break;
        if (bytes[at] !== CR) throw badValue(bytes[at]!);
        marks[mark + 3] = valueEnd(bytes, base + marks[mark + 2]!, at) - base;
        state = VALUE_END;
        if (++at === stop) break;
      }
      if (bytes[at] !== LF) throw bareCarriageReturn();
      at++;
      if (state === HEAD_END) return at - base;
      this.fieldCount++;
      mark += MARKS_PER_FIELD;
      state = FIELD;
    }
    if (at - base >= limit) throw overLimit(state, limit);
    this.#state = state;
    this.#position = at - base;
    return MORE;
  }

  /** True when a line that begins with `octet` continues the one before. */
  #mayContinue(octet: number): boolean {
    return this.#isResponse && this.fieldCount > 0 && (octet === SP || octet === HTAB);
  }

  #growMarks(): Int32Array {
    const larger = new Int32Array(this.marks.length * 2);
    larger.set(this.marks);
    this.marks = larger;
    return larger;
  }
}

/**
 * Where a value ends: before the spaces and tabs that come before the CR at `at` (RFC 9112 §5.1), and before
 * folded lines that hold nothing else.
 */
function valueEnd(bytes: Uint8Array, start: number, at: number): number {
  let end = at;
  while (end > start && isBlankOrLineEnd(bytes[end - 1]!)) end--;
  return end;
}

function isBlankOrLineEnd(octet: number): boolean {
  return octet === SP || octet === HTAB || octet === CR || octet === LF;
}

/**
 * The first octet from `at` on that is not of a class, or `stop`. Most of a head is names and values, so this
 * is where its time goes; four octets a turn take a fifth less than one
 * (bench/protocol/http1/receiver.bench.mjs).
 */
function skip(kind: number, bytes: Uint8Array, at: number, stop: number): number {
  const classes = CHAR_CLASS;
  const last = stop - 3;
  let i = at;
  while (i < last) {
    const common =
      classes[bytes[i]!]! & classes[bytes[i + 1]!]! & classes[bytes[i + 2]!]! & classes[bytes[i + 3]!]!;
    if ((common & kind) === 0) break;
    i += 4;
  }
  while (i < stop && (classes[bytes[i]!]! & kind) !== 0) i++;
  return i;
}

/**
 * Where the words of a field value end that hold no control character: in front of the first which does, or
 * of what is left behind the last whole one. {@link skip}, which takes twice the time, goes on from there.
 *
 * For an octet below 0x80 the highest bit comes out set if it is below 0x20 (taking that away borrows) or is
 * 0x7F (adding one carries). A borrow or carry from the octet below can set it once too often, never too
 * rarely.
 */
function skipWords(bytes: Uint8Array, words: Int32Array, at: number, stop: number): number {
  const classes = CHAR_CLASS;
  let i = at;
  while ((i & 3) !== 0) {
    if (i >= stop || (classes[bytes[i]!]! & FIELD_VALUE) === 0) return i;
    i++;
  }
  const last = stop >> 2;
  let word = i >> 2;
  while (word < last) {
    const four = words[word]!;
    if (((four - 0x20202020) | (four + 0x01010101)) & ~four & HIGHEST_BITS) break;
    word++;
  }
  return word << 2;
}

/** The highest bit of each octet of a word: 0x80808080 as a signed integer. */
const HIGHEST_BITS = -0x7f7f7f80;

function badFirstOctet(octet: number): HTTP1Error {
  const hint = octet === 0x16 ? " (a TLS handshake on a port without TLS?)" : "";
  const code = octet === LF ? "ERR_SQUALL_HTTP_LINE_END" : "ERR_SQUALL_HTTP_START_LINE";
  return new HTTP1Error(code, `expected a request line, got ${shownOctet(octet)}${hint}`);
}

function tooManyBlankLines(max: number): HTTP1Error {
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_START_LINE",
    `expected a request line after at most ${max} blank lines`,
  );
}

function badMethod(octet: number): HTTP1Error {
  if (octet === CR || octet === LF) {
    return new HTTP1Error("ERR_SQUALL_HTTP_START_LINE", "the request line ends after its first word");
  }
  return new HTTP1Error("ERR_SQUALL_HTTP_METHOD", `a method cannot hold ${shownOctet(octet)}`);
}

function badTarget(octet: number): HTTP1Error {
  if (octet === CR || octet === LF) {
    return new HTTP1Error(
      "ERR_SQUALL_HTTP_START_LINE",
      "the request line has no version (HTTP/0.9 is not served)",
    );
  }
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_TARGET",
    `a request target cannot hold ${shownOctet(octet)}; it must be percent-encoded`,
  );
}

function badVersion(octet: number): HTTP1Error {
  if (octet === LF) return bareLineFeed();
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_VERSION",
    `expected the request line to end after the version, got ${shownOctet(octet)}`,
  );
}

function badStatusLine(octet: number): HTTP1Error {
  if (octet === LF) return bareLineFeed();
  return new HTTP1Error("ERR_SQUALL_HTTP_STATUS_LINE", `expected a status line, got ${shownOctet(octet)}`);
}

function badFieldStart(octet: number): HTTP1Error {
  if (octet === SP || octet === HTAB) {
    return new HTTP1Error(
      "ERR_SQUALL_HTTP_FOLDED_FIELD",
      "a field line cannot begin with whitespace (folded lines are not accepted)",
    );
  }
  if (octet === LF) return bareLineFeed();
  return badName(octet);
}

function badName(octet: number): HTTP1Error {
  const what =
    octet === SP || octet === HTAB ? "whitespace before the colon" : `${shownOctet(octet)} in a field name`;
  return new HTTP1Error("ERR_SQUALL_HTTP_FIELD_NAME", `expected a token and a colon, got ${what}`);
}

function badValue(octet: number): HTTP1Error {
  if (octet === LF) return bareLineFeed();
  return new HTTP1Error("ERR_SQUALL_HTTP_FIELD_VALUE", `a field value cannot hold ${shownOctet(octet)}`);
}

function bareLineFeed(): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_LINE_END", "a line must end with CR and LF, got LF alone");
}

function bareCarriageReturn(): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_LINE_END", "a line must end with CR and LF, got CR alone");
}

function tooManyFields(max: number): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_TOO_MANY_FIELDS", `more than ${max} header fields`);
}

function statusLineTooLong(limit: number): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_STATUS_LINE", `the status line is longer than ${limit} bytes`);
}

/** Which part did not fit decides the answer: the method, the target, or the fields. */
function overLimit(state: number, limit: number): HTTP1Error {
  if (state === METHOD) {
    return new HTTP1Error("ERR_SQUALL_HTTP_METHOD_TOO_LONG", `the method is longer than ${limit} bytes`);
  }
  if (state < FIELD) {
    return new HTTP1Error(
      "ERR_SQUALL_HTTP_TARGET_TOO_LONG",
      `the request line is longer than ${limit} bytes; raise maxStartLineSize if it should be served`,
    );
  }
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_HEADERS_TOO_LARGE",
    `the header fields are longer than ${limit} bytes; raise maxHeaderSize if they should be accepted`,
  );
}
