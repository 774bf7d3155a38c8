/**
 * Files from a directory: versions, conditions, ranges, and bytes that wait for the client.
 *
 * One request goes: path → checks → open → version → headers → 304, 412 or 416? → bytes. The file is open
 * from the check to the last byte and closed however that ends.
 */
import { inspect } from "node:util";
import type { IOLoop } from "../../async/ioloop.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkNames } from "../../base/nearest-name.js";
import { percentEncodePath } from "../../http/routing/escape-path.js";
import { PathMatches } from "../../http/routing/matchers.js";
import type { Rule } from "../../http/routing/rule.js";
import { allowsRange, type ConditionResult, evaluateConditions } from "../../protocol/fields/conditional.js";
import { formatContentRange, formatUnsatisfiedRange, resolveRange } from "../../protocol/fields/range.js";
import { HTTPError } from "../errors.js";
import { redirectToPath } from "../handler/decorators.js";
import { stateOf } from "../handler/handler-state.js";
import { RequestHandler } from "../handler/request-handler.js";
import type { ApplicationSettings, StaticUrlOptions } from "../types.js";
import { forgetContents, keepContent, MAX_KEPT_SIZE } from "./content-cache.js";
import { forgetVersions, hashFileNow, versionOfOpenFile, versionOfPath } from "./content-version.js";
import { isDirectory, type OpenFile, openFile, readPieces } from "./open-file.js";
import {
  absolutePathOf,
  contentTypeOf,
  hasDotfile,
  isInside,
  isStrangePath,
  rootDirectory,
} from "./static-path.js";

/** Arguments of a {@link StaticFileHandler}'s route. */
export interface StaticFileOptions {
  /** The root directory, a path or a `file:` URL. No default: the route has to say. */
  readonly path?: string | URL | undefined;
  /** Served for a directory; default none (403). */
  readonly defaultFilename?: string | undefined;
  /** Serve names that begin with a dot; default false: 404. */
  readonly dotfiles?: boolean | undefined;
  /** Follow symbolic links out of the root directory; default false: 403. */
  readonly followSymlinks?: boolean | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof StaticFileOptions>([
  "path",
  "defaultFilename",
  "dotfiles",
  "followSymlinks",
]);

function checkRoot(path: unknown): asserts path is string | URL {
  if ((typeof path === "string" && path !== "") || (path instanceof URL && path.protocol === "file:")) return;
  throw new InvalidArgumentError(
    `a StaticFileHandler needs its root directory: { path: "/srv/files" }, got ${inspect(path, { depth: 0 })}`,
  );
}

/** A piece of content, or several. */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Serves the files of a directory to GET and HEAD: `["/files/(.*)", StaticFileHandler, { path: "/srv/files"
 * }]`. The pattern has one group, the path of the file. The `staticPath` setting makes such a route for you.
 *
 * Each file has its content's hash as entity tag (above 1 MiB: its size, times and inode); with the hash as
 * `v` in its URL ({@link RequestHandler.staticUrl}) it may be cached for ten years. Conditions (RFC 9110 §13)
 * and single ranges (§14) are understood. Outside the root, by a name or a link, and for anything but a
 * regular file: 403; missing, hidden or oddly named: 404.
 *
 * To serve from elsewhere, override {@link StaticFileHandler.getContent}, `getContentVersion`,
 * `getContentSize`, `getModifiedTime`, and `validateAbsolutePath`. Tornado `web.StaticFileHandler`.
 */
export class StaticFileHandler extends RequestHandler {
  /** Seconds that a versioned file may be cached: ten years. */
  static readonly CACHE_MAX_AGE: number = 86_400 * 365 * 10;

  /** The root directory, absolute. */
  root = "";
  /** Served for a directory. */
  defaultFilename: string | undefined;
  /** The path of the file below the root, as the URL has it. */
  path = "";
  /** The path of the file that is served. */
  absolutePath: string | undefined;
  /** When it was changed, to the second; `undefined` if that is not known. */
  modified: Date | undefined;
  #dotfiles = false;
  #followSymlinks = false;
  #file: OpenFile | undefined;
  #version: string | undefined;

  /**
   * Checks the route: a pattern with one group, and a root directory.
   * @throws InvalidArgumentError for others, unless a subclass brings its own `get()`.
   */
  static override checkRoute({ matcher, targetKwargs }: Rule): void {
    if (this.prototype.get === StaticFileHandler.prototype.get && matcher instanceof PathMatches) {
      if (matcher.groupCount !== 1) {
        throw new InvalidArgumentError(
          `the route ${JSON.stringify(matcher.pattern)} of a ${this.name} has ${matcher.groupCount} groups; it needs one, ` +
            `the path of the file: "/files/:path*" or "/files/(.*)"`,
        );
      }
    }
    if (this.prototype.initialize !== StaticFileHandler.prototype.initialize) return;
    checkNames("argument of a StaticFileHandler", targetKwargs, OPTION_NAMES, false);
    checkRoot(targetKwargs.path);
  }

  override initialize({ path, defaultFilename, dotfiles, followSymlinks }: StaticFileOptions): void {
    checkRoot(path);
    this.root = rootDirectory(path);
    this.defaultFilename = defaultFilename ?? undefined;
    this.#dotfiles = dotfiles ?? false;
    this.#followSymlinks = followSymlinks ?? false;
  }

  /**
   * Forgets the versions of all files, and the contents that were kept. Tornado `StaticFileHandler.reset`.
   */
  static reset(): void {
    forgetVersions();
    forgetContents();
  }

  /** As {@link StaticFileHandler.get}, headers alone. */
  override head(path: string | Readonly<Record<string, string | undefined>>): Promise<void> {
    return this.get(path, { includeBody: false });
  }

  /** Serves the file, whose path is the group of the route; without `includeBody` its headers alone. */
  override async get(
    path: string | Readonly<Record<string, string | undefined>>,
    options: { readonly includeBody?: boolean | undefined } = {},
  ): Promise<void> {
    try {
      // A named group comes as an object with that name; there is one, whatever it is called.
      const text = typeof path === "object" && path !== null ? Object.values(path)[0] : path;
      await this.#serve(text ?? "", options.includeBody ?? true);
    } finally {
      const file = this.#file;
      this.#file = undefined;
      await file?.handle?.close();
    }
  }

  async #serve(path: string, includeBody: boolean): Promise<void> {
    const handlerClass = this.#class;
    this.path = this.parseUrlPath(path);
    const absolutePath = handlerClass.getAbsolutePath(this.root, this.path);
    this.absolutePath = await this.validateAbsolutePath(this.root, absolutePath);
    if (this.absolutePath === undefined || stateOf(this).finished) return;
    this.modified = this.getModifiedTime();
    this.#version = await this.#findVersion(this.absolutePath);
    this.setHeaders();

    const result = this.#evaluateConditions();
    if (this.shouldReturn304()) {
      this.setStatus(304);
      return;
    }
    if (result === "precondition-failed") throw new HTTPError(412);

    const size = this.getContentSize();
    const range = this.#findRange(size);
    if (range.kind === "unsatisfiable") {
      this.setStatus(416);
      this.setHeader("Content-Type", "text/plain");
      this.setHeader("Content-Range", formatUnsatisfiedRange(size));
      return;
    }
    const { start, end } = range.kind === "partial" ? range : { start: 0, end: size };
    if (end - start < size) {
      this.setStatus(206);
      this.setHeader("Content-Range", formatContentRange(start, end, size));
    }
    this.setHeader("Content-Length", end - start);
    if (includeBody && end > start) await this.#send(this.absolutePath, start, end);
  }

  /** Writes the content, each piece when there is room for it. */
  async #send(absolutePath: string, start: number, end: number): Promise<void> {
    let left = end - start;
    for await (const piece of this.#contentOf(absolutePath, start, end)) {
      if (stateOf(this).finished) return;
      left -= piece.length;
      this.write(piece);
      // The last piece leaves with the end of the response.
      if (left > 0) await this.flush();
    }
    if (left !== 0) {
      // The head has promised more, or less; the connection must not go on as if that had been kept.
      throw new Error(`${absolutePath} changed its size while it was sent: ${left} bytes are missing`);
    }
  }

  #contentOf(
    absolutePath: string,
    start: number,
    end: number,
  ): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    const handlerClass = this.#class;
    const file = this.#file;
    if (handlerClass.getContent === StaticFileHandler.getContent && file !== undefined) {
      if (file.content !== undefined) return [file.content.subarray(start, end)];
      return this.#read(file, start, end);
    }
    const content = handlerClass.getContent(absolutePath, start, end);
    return content instanceof Uint8Array ? [content] : content;
  }

  /** Reads an open file; one that is small enough is kept. */
  async *#read(file: OpenFile, start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { ioLoop } = this.request;
    const key = file.size <= MAX_KEPT_SIZE && end - start === file.size ? this.#keyOf(file.path) : undefined;
    for await (const piece of external(ioLoop, readPieces(file, start, end))) {
      if (key !== undefined) keepContent(key, file, piece, ioLoop.wallTime());
      yield piece;
    }
  }

  /** Under which the content of a file is kept; undefined if none is to be kept. */
  #keyOf(path: string): string | undefined {
    if (this.settings.staticHashCache === false) return undefined;
    return `${this.#followSymlinks ? "+" : "-"}${this.root}\0${path}`;
  }

  get #class(): typeof StaticFileHandler {
    return this.constructor as typeof StaticFileHandler;
  }

  async #findVersion(absolutePath: string): Promise<string | undefined> {
    const handlerClass = this.#class;
    const useCache = this.settings.staticHashCache !== false;
    try {
      if (
        handlerClass.getContentVersion === StaticFileHandler.getContentVersion &&
        this.#file !== undefined
      ) {
        return await this.request.ioLoop.external(versionOfOpenFile(this.#file, useCache));
      }
      return versionOfPath(absolutePath, useCache, (path) => handlerClass.getContentVersion(path));
    } catch (error) {
      logUnreadable(absolutePath, error);
      return undefined;
    }
  }

  #evaluateConditions(): ConditionResult {
    const { headers } = this.request;
    return evaluateConditions(
      this.request.method,
      {
        ifMatch: headers.get("If-Match"),
        ifUnmodifiedSince: headers.get("If-Unmodified-Since"),
        ifNoneMatch: headers.get("If-None-Match"),
        ifModifiedSince: headers.get("If-Modified-Since"),
      },
      this.#representation,
      this.request.ioLoop.wallTime(),
    );
  }

  get #representation(): { etag: string | undefined; lastModified: number | undefined } {
    return { etag: stateOf(this).headers.get("Etag"), lastModified: this.modified?.getTime() };
  }

  /** A range is for GET alone (RFC 9110 §14.2), and void if `If-Range` names something else (§13.1.5). */
  #findRange(size: number): ReturnType<typeof resolveRange> {
    const { headers, method } = this.request;
    const wanted = method === "GET" ? headers.get("Range") : undefined;
    if (wanted === undefined) return { kind: "ignored" };
    const allowed = allowsRange(
      headers.get("If-Range"),
      this.#representation,
      this.request.ioLoop.wallTime(),
    );
    return resolveRange(allowed ? wanted : undefined, size);
  }

  // --- what subclasses may override ------------------------------------------------------------------------

  /** Makes a path of the URL's; the root's parent and oddities are dealt with later. */
  parseUrlPath(urlPath: string): string {
    return urlPath;
  }

  /** The absolute path, or any other key of the content, for a path below the root. */
  static getAbsolutePath(root: string, path: string): string {
    return absolutePathOf(root, path);
  }

  /**
   * Returns the path of the file to serve, after all checks; or `undefined` if the request was answered here.
   * @throws HTTPError 403 or 404.
   */
  async validateAbsolutePath(root: string, absolutePath: string): Promise<string | undefined> {
    if (isStrangePath(this.path)) throw new HTTPError(404);
    if (!isInside(root, absolutePath)) {
      throw new HTTPError(403, "%s is not in root static directory", this.path);
    }
    if (!this.#dotfiles && hasDotfile(this.path)) throw new HTTPError(404);
    const loop = this.request.ioLoop;
    let path = absolutePath;
    if (this.defaultFilename !== undefined && (await loop.external(isDirectory(path)))) {
      if (!this.request.path.endsWith("/")) {
        // A redirect to a path with two slashes in front would lead to another site.
        if (this.request.path.startsWith("//")) {
          throw new HTTPError(403, "cannot redirect path with two initial slashes");
        }
        redirectToPath(this, `${this.request.path}/`);
        return undefined;
      }
      path = absolutePathOf(path, this.defaultFilename);
    }
    // A name that ends in a slash is that of a directory.
    else if (this.path.endsWith("/") && !(await loop.external(isDirectory(path)))) throw new HTTPError(404);
    const file = await loop.external(openFile(root, path, this.#followSymlinks, this.#keyOf(path)));
    if (file === "missing") throw new HTTPError(404);
    if (file === "not-a-file") throw new HTTPError(403, "%s is not a file", this.path);
    if (file === "outside") throw new HTTPError(403, "%s leads out of the root static directory", this.path);
    this.#file = file;
    return path;
  }

  /** The content from `start` up to, but not including, `end`; as one piece or several. */
  static getContent(absolutePath: string, start?: number, end?: number): Content {
    return piecesOfPath(absolutePath, start ?? 0, end ?? Number.MAX_SAFE_INTEGER);
  }

  /** The version of the content: its hash. Changes whenever the content does. */
  static getContentVersion(absolutePath: string): string {
    return hashFileNow(absolutePath);
  }

  /** How many bytes the content has. */
  getContentSize(): number {
    return this.#file?.size ?? 0;
  }

  /** When the content was changed, to the second; `undefined` if that is not known. */
  getModifiedTime(): Date | undefined {
    return this.#file === undefined ? undefined : new Date(Math.floor(this.#file.modified / 1000) * 1000);
  }

  /** The media type: guessed from the name. */
  getContentType(): string {
    return contentTypeOf(this.absolutePath ?? "");
  }

  /** For header fields of your own; called by {@link StaticFileHandler.setHeaders}. */
  setExtraHeaders(_path: string): void {}

  /** Seconds that the file may be cached: ten years for a versioned URL, else 0, which says nothing. */
  getCacheTime(_path: string, _modified: Date | undefined, _mimeType: string): number {
    return this.getQueryArguments("v").length > 0 ? this.#class.CACHE_MAX_AGE : 0;
  }

  /** Sets the header fields of the file. */
  setHeaders(): void {
    this.setHeader("Accept-Ranges", "bytes");
    this.setEtagHeader();
    if (this.modified !== undefined) this.setHeader("Last-Modified", this.modified);
    const contentType = this.getContentType();
    if (contentType !== "") this.setHeader("Content-Type", contentType);
    // The type is by the name; a browser that guesses from the content could take text for a script.
    this.setHeader("X-Content-Type-Options", "nosniff");
    const seconds = this.getCacheTime(this.path, this.modified, contentType);
    if (seconds > 0) {
      this.setHeader("Expires", new Date(this.request.ioLoop.wallTime() + seconds * 1000));
      this.setHeader("Cache-Control", `max-age=${seconds}`);
    }
    this.setExtraHeaders(this.path);
  }

  /** The entity tag: the version, in quotes. */
  override computeEtag(): string | undefined {
    return this.#version === undefined ? undefined : `"${this.#version}"`;
  }

  /** True if the client has the file already: by its tag if the request names one, else by its time. */
  shouldReturn304(): boolean {
    return this.#evaluateConditions() === "not-modified";
  }

  // --- URLs ------------------------------------------------------------------------------------------------

  /**
   * The URL of a file below the `staticPath` setting, percent-encoded, with its version unless told
   * otherwise.
   */
  static makeStaticUrl(settings: ApplicationSettings, path: string, options: StaticUrlOptions = {}): string {
    const url = (settings.staticUrlPrefix ?? "/static/") + percentEncodePath(path);
    if (options.includeVersion === false) return url;
    const version = StaticFileHandler.getVersion.call(this, settings, path);
    return version === undefined ? url : `${url}?v=${version}`;
  }

  /**
   * The version of a file below the `staticPath` setting; `undefined`, and a line in the log, if it cannot be
   * read.
   */
  static getVersion(settings: ApplicationSettings, path: string): string | undefined {
    const root = rootDirectory(settings.staticPath ?? "");
    const absolutePath = this.getAbsolutePath(root, path);
    try {
      return versionOfPath(absolutePath, settings.staticHashCache !== false, (file) =>
        this.getContentVersion(file),
      );
    } catch (error) {
      logUnreadable(path, error);
      return undefined;
    }
  }
}

/** A file that the system cannot open needs no stack: its message names the whole path. */
function logUnreadable(path: string, error: unknown): void {
  if (error instanceof Error && "syscall" in error)
    genLog.error("Could not open static file %r: %s", path, error.message);
  else genLog.error("Could not open static file %r", path, error);
}

async function* piecesOfPath(
  absolutePath: string,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  const file = await openFile("", absolutePath, true);
  if (typeof file === "string") throw new Error(`${absolutePath} cannot be read: ${file}`);
  try {
    yield* readPieces(file, start, Math.min(end, file.size));
  } finally {
    await file.handle?.close();
  }
}

/** Tells the loop that it waits for files, so that virtual time waits as well. */
async function* external<T>(loop: IOLoop, source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await loop.external(iterator.next());
    if (done === true) return;
    yield value;
  }
}
