/**
 * The parts of an upload, one after another, as they arrive: `readParts()`.
 *
 * A part is read before the next one is asked for; what is left of it then is skipped. Memory holds one piece
 * of the body, whatever its size. Files that were spooled to disk are removed when the handler is done,
 * whatever its end, unless they were moved elsewhere.
 */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidStateError } from "../../base/errors.js";
import { filePath } from "../../base/file-path.js";
import { checkLimit } from "../../base/validate.js";
import { baseNameOf, type PartHead, UNKNOWN_TYPE } from "../../protocol/body/multipart.js";
import {
  type MultipartEvent,
  MultipartReader,
  type MultipartReaderConfig,
} from "../../protocol/body/multipart-reader.js";
import { HTTPInputError } from "../../protocol/fields/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import { parseParameters } from "../../protocol/fields/parameters.js";
import { HTTPError } from "../errors.js";
import type { Handler } from "../types.js";
import { stateOf } from "./handler-state.js";

/** Bytes of a plain field that {@link UploadPart.text} and {@link UploadPart.bytes} take by default. */
const MAX_FIELD = 64 * 1024;

/** A file on disk that a part was written to. */
export interface SpooledFile {
  /** Where it lies until the handler is done. Rename it to keep it. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Events of the body, pulled as far as they are needed. */
class PartSource {
  readonly #body: AsyncIterator<Buffer, undefined>;
  readonly #reader: MultipartReader;
  #events: MultipartEvent[] = [];
  #at = 0;

  constructor(body: AsyncIterator<Buffer, undefined>, reader: MultipartReader) {
    this.#body = body;
    this.#reader = reader;
  }

  async next(): Promise<MultipartEvent | undefined> {
    while (this.#at >= this.#events.length) {
      const { done, value } = await this.#body.next();
      if (done === true) {
        this.#reader.end();
        return undefined;
      }
      this.#events = this.#reader.feed(value);
      this.#at = 0;
    }
    return this.#events[this.#at++];
  }
}

/**
 * One part of an upload: a file, or a plain field. Read it by iterating over it, or by one of its methods;
 * once.
 */
export class UploadPart implements AsyncIterable<Buffer> {
  /** The name of the form's field. */
  readonly name: string;
  /** The name of the file as the client sent it: data, never a path; undefined for a plain field. */
  readonly filename: string | undefined;
  /** The type as the client sent it; `application/unknown` when it sent none. */
  readonly contentType: string;
  /** All fields of the part's head. */
  readonly headers: HTTPHeaders;
  readonly #source: PartSource;
  readonly #handler: Handler;
  #state: "new" | "reading" | "done" = "new";

  /** Made by `readParts()`. */
  constructor(head: PartHead, source: PartSource, handler: Handler) {
    this.name = head.name;
    this.filename = head.filename;
    this.headers = head.headers;
    this.contentType = head.headers.get("Content-Type", UNKNOWN_TYPE);
    this.#source = source;
    this.#handler = handler;
  }

  /** The file name without folders and control characters, as `HTTPFile.baseName`; `""` for a plain field. */
  get baseName(): string {
    return baseNameOf(this.filename ?? "");
  }

  /**
   * The pieces of the part's body.
   * @throws InvalidStateError when it was read before, or the next part was asked for.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    if (this.#state !== "new") throw new InvalidStateError(`the part ${this.name} was read already`);
    this.#state = "reading";
    yield* this.#pieces();
  }

  async *#pieces(): AsyncGenerator<Buffer, void, undefined> {
    while (this.#state !== "done") {
      const event = await this.#source.next();
      if (event === undefined || event.kind !== "data") this.#state = "done";
      else yield event.data;
    }
  }

  /** Reads the rest of the part and throws it away; nothing to do if it was read. */
  async skip(): Promise<void> {
    for await (const _piece of this.#pieces());
  }

  /**
   * The whole body; at most `maxSize` bytes, by default 64 KiB.
   * @throws HTTPInputError (413) if there is more.
   */
  async bytes(maxSize: number = MAX_FIELD): Promise<Buffer> {
    checkLimit("maxSize", maxSize);
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this) {
      size += piece.length;
      if (size > maxSize) {
        throw new HTTPInputError(`the field ${this.name} is too large: at most ${maxSize} bytes`, {
          status: 413,
        });
      }
      pieces.push(piece);
    }
    return Buffer.concat(pieces, size);
  }

  /**
   * The whole body as text, as the handler's `decodeArgument()` has it; at most `maxSize` bytes, by default
   * 64 KiB.
   * @throws HTTPInputError (413) if there is more, HTTPError 400 if it is not UTF-8.
   */
  async text(maxSize: number = MAX_FIELD): Promise<string> {
    return this.#handler.decodeArgument(await this.bytes(maxSize), this.name);
  }

  /**
   * Writes the body to a new file in a folder of its own (below `directory`, by default the system's for
   * temporary files), which only this user can read. The folder is removed when the handler is done, whatever
   * its end; rename the file to keep it.
   */
  async spool(directory: string | URL = tmpdir()): Promise<SpooledFile> {
    const { ioLoop } = this.#handler.request;
    const folder = await ioLoop.external(mkdtemp(join(filePath("directory", directory), "squall-upload-")));
    const state = stateOf(this.#handler);
    if (state.finished) {
      await rm(folder, { recursive: true, force: true });
      throw new InvalidStateError("the handler is done; nothing can be spooled any more");
    }
    state.more.spools ??= [];
    state.more.spools.push(folder);
    const path = join(folder, "part");
    const file = await ioLoop.external(open(path, "wx", 0o600));
    let size = 0;
    try {
      for await (const piece of this) {
        await ioLoop.external(file.writeFile(piece));
        size += piece.length;
      }
    } finally {
      await file.close();
    }
    return { path, size };
  }
}

/** Removes the folders of spooled parts. Never rejects: what cannot be removed is the system's to sweep. */
export async function removeSpools(folders: readonly string[]): Promise<void> {
  await Promise.allSettled(folders.map((folder) => rm(folder, { recursive: true, force: true })));
}

/** `handler.readParts()`. */
export async function* readParts(
  handler: Handler,
  body: AsyncIterator<Buffer, undefined>,
  config: MultipartReaderConfig,
): AsyncGenerator<UploadPart, void, undefined> {
  const { value, parameters } = parseParameters(handler.request.headers.get("Content-Type", ""));
  if (value.toLowerCase() !== "multipart/form-data") {
    throw new HTTPError(415, "expected multipart/form-data, got %s", value || "no Content-Type");
  }
  const source = new PartSource(body, new MultipartReader(parameters.boundary ?? "", config));
  for (;;) {
    const event = await source.next();
    if (event === undefined) return;
    if (event.kind !== "part") continue;
    const part = new UploadPart(event.head, source, handler);
    yield part;
    await part.skip();
  }
}
