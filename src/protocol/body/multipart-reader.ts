/**
 * `multipart/form-data` as it arrives, for uploads that are too large to be kept: octets in, events out.
 *
 *     preamble ──delimiter──▶ head ──empty line──▶ body ──delimiter──▶ head …
 *                               │                   │
 *                               └───delimiter "--"──┴──▶ done (what follows is ignored)
 *
 * The grammar and the strictness are those of `multipart.ts`, which parses a body that is there as a whole.
 * What is kept between two pieces is less than a delimiter with its padding, or a part's head, so that memory
 * does not depend on what is sent; and each octet is searched a bounded number of times.
 */
import { copyApart } from "../../base/bytes.js";
import { optionNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
import { HTTPInputError } from "../fields/errors.js";
import {
  afterLineEnd,
  checkBoundary,
  invalidMultipart,
  type ParseMultipartConfig,
  type PartHead,
  parsePartHead,
  resolveMultipartConfig,
} from "./multipart.js";

/** Limits for a multipart body that is read as it arrives. */
export interface MultipartReaderConfig extends Omit<ParseMultipartConfig, "enabled"> {
  /**
   * Octets of one part's body at most; default `Infinity`: the limit of the request's body alone. More is
   * 413.
   */
  readonly maxPartSize?: number | undefined;
}

const LIMITS = optionNames<MultipartReaderConfig>({ maxParts: 1, maxPartHeaderSize: 1, maxPartSize: 1 });

/** What was found in the body. A part is a head, any number of pieces of data, and its end. */
export type MultipartEvent =
  | { readonly kind: "part"; readonly head: PartHead }
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "end" };

const PREAMBLE = 0;
const HEAD = 1;
const BODY = 2;
const DONE = 3;

/** Spaces and tabs behind a delimiter beyond this many make it text. */
const MAX_PADDING = 1024;
const DASH = 0x2d;
const LINE_END = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");

/**
 * What stands behind a delimiter: the position after its line, the end of the body, text, or too little to
 * tell.
 */
type Delimiter = { readonly next: number } | "last" | "text" | "undecided";

/** See the file's head. */
export class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #maxParts: number;
  readonly #maxPartHeaderSize: number;
  readonly #maxPartSize: number;
  #state = PREAMBLE;
  /** What is not decided yet. The first line of the body has no line end before it, so one is put there. */
  #rest: Buffer = LINE_END;
  /** Octets at the beginning of `#rest` that are no data: the line end which may be the delimiter's. */
  #skip = 0;
  #parts = 0;
  #partSize = 0;

  /**
   * @throws HTTPInputError for a boundary that is empty or longer than 70 characters.
   * @throws InvalidArgumentError for a limit of the wrong type or range, or with another name.
   */
  constructor(boundary: string | Uint8Array, config: MultipartReaderConfig = {}) {
    const { maxParts, maxPartHeaderSize } = resolveMultipartConfig(config, LIMITS);
    this.#maxParts = maxParts;
    this.#maxPartHeaderSize = maxPartHeaderSize;
    this.#maxPartSize = checkLimit("maxPartSize", config.maxPartSize ?? Number.POSITIVE_INFINITY);
    this.#delimiter = Buffer.concat([Buffer.from("\r\n--"), checkBoundary(boundary)]);
  }

  /**
   * Takes a piece of the body and returns what is known by it. Data are views of the piece where possible.
   * @throws HTTPInputError for a part without name or head, and over a limit (413 for a part's size, else
   *   400).
   */
  feed(chunk: Buffer): MultipartEvent[] {
    const events: MultipartEvent[] = [];
    if (this.#state === DONE || chunk.length === 0) return events;
    let buffer: Buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const left = this.#step(buffer, events);
      if (left === undefined) return events;
      buffer = left;
    }
  }

  /** @throws HTTPInputError if the body ended before its final delimiter. */
  end(): void {
    if (this.#state !== DONE) throw invalidMultipart("no final boundary found");
  }

  /** One step; returns what is to be looked at next, or undefined when more has to come. */
  #step(buffer: Buffer, events: MultipartEvent[]): Buffer | undefined {
    return this.#state === HEAD ? this.#stepHead(buffer, events) : this.#stepBody(buffer, events);
  }

  #stepHead(buffer: Buffer, events: MultipartEvent[]): Buffer | undefined {
    // The line end in front is that of the delimiter before: two delimiters in a row, or with an empty line,
    // have no part between them.
    const found = buffer.indexOf(this.#delimiter);
    if (found === 0 || found === LINE_END.length) {
      const delimiter = this.#look(buffer, found);
      if (delimiter === "undecided") return this.#keep(buffer);
      if (delimiter !== "text") return this.#pass(buffer, delimiter);
    } else if (
      this.#delimiter.subarray(0, buffer.length - LINE_END.length).equals(buffer.subarray(LINE_END.length))
    ) {
      return this.#keep(buffer);
    }
    // Behind that line end: an empty line before the first field is not the end of a head without fields.
    const headEnd = buffer.indexOf(HEAD_END, LINE_END.length);
    const size = (headEnd === -1 ? buffer.length : headEnd) - LINE_END.length;
    if (size > this.#maxPartHeaderSize) {
      throw invalidMultipart(`the head of a part is too large: at most ${this.#maxPartHeaderSize} bytes`);
    }
    if (headEnd === -1 || (found > 0 && found < headEnd)) {
      if (found > 0 && this.#look(buffer, found) !== "undecided" && this.#look(buffer, found) !== "text") {
        throw invalidMultipart("a part has no empty line after its head");
      }
      if (headEnd === -1) return this.#keep(buffer);
    }
    if (++this.#parts > this.#maxParts) {
      throw invalidMultipart(`too many parts: at most ${this.#maxParts} are taken from one body`);
    }
    events.push({ kind: "part", head: parsePartHead(buffer.subarray(LINE_END.length, headEnd)) });
    this.#state = BODY;
    this.#partSize = 0;
    this.#skip = LINE_END.length;
    return buffer.subarray(headEnd + LINE_END.length);
  }

  /** In the preamble and in a part's body: looks for the delimiter, and hands on what stands before it. */
  #stepBody(buffer: Buffer, events: MultipartEvent[]): Buffer | undefined {
    let from = 0;
    for (;;) {
      const found = buffer.indexOf(this.#delimiter, from);
      if (found === -1) {
        // The end of the buffer may be the beginning of a delimiter.
        const certain = Math.max(0, buffer.length - (this.#delimiter.length - 1));
        this.#emit(buffer, certain, events);
        return this.#keep(buffer.subarray(certain));
      }
      const delimiter = this.#look(buffer, found);
      if (delimiter === "text") {
        from = found + LINE_END.length;
        continue;
      }
      this.#emit(buffer, found, events);
      if (delimiter === "undecided") return this.#keep(buffer.subarray(found));
      if (this.#state === BODY) events.push({ kind: "end" });
      this.#skip = 0;
      return this.#pass(buffer, delimiter);
    }
  }

  #look(buffer: Buffer, found: number): Delimiter {
    const after = found + this.#delimiter.length;
    if (buffer[after] === DASH && buffer[after + 1] === DASH) return "last";
    const next = afterLineEnd(buffer, after);
    if (next !== -1) return { next };
    let at = after;
    while (buffer[at] === 0x20 || buffer[at] === 0x09) at++;
    const left = buffer.length - at;
    const open = left === 0 || (left === 1 && (buffer[at] === 0x0d || (at === after && buffer[at] === DASH)));
    return open && at - after <= MAX_PADDING ? "undecided" : "text";
  }

  /** Goes on behind a delimiter. */
  #pass(buffer: Buffer, delimiter: { readonly next: number } | "last"): Buffer | undefined {
    if (delimiter === "last") {
      this.#state = DONE;
      this.#rest = Buffer.alloc(0);
      return undefined;
    }
    this.#state = HEAD;
    return buffer.subarray(delimiter.next - LINE_END.length);
  }

  #emit(buffer: Buffer, end: number, events: MultipartEvent[]): void {
    const start = Math.min(this.#skip, end);
    this.#skip -= start;
    if (this.#state !== BODY || end <= start) return;
    this.#partSize += end - start;
    if (this.#partSize > this.#maxPartSize) {
      throw new HTTPInputError(`a part of the form is too large: at most ${this.#maxPartSize} bytes`, {
        code: "ERR_SQUALL_INVALID_MULTIPART",
        status: 413,
      });
    }
    events.push({ kind: "data", data: buffer.subarray(start, end) });
  }

  #keep(rest: Buffer): undefined {
    // A copy: a few octets must not hold the whole piece that they came in.
    this.#rest = copyApart(rest);
    return undefined;
  }
}
