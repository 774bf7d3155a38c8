/**
 * Uploads of any size in little memory. The body of a request is read as it arrives: each part goes to the disk piece
 * by piece, and the client is read no faster than the disk takes it. Files are kept when the whole upload has come;
 * an upload that breaks off, is cancelled, or goes beyond a limit leaves nothing behind.
 *
 *     POST /uploads        a form with files; 413 beyond a limit
 *     GET  /files/ID       a file, with ranges, always as a download
 *     POST /files/ID/remove
 */
import { fileURLToPath } from "node:url";
import {
  Application,
  type ErrorPageOptions,
  HTTPError,
  RequestHandler,
  type SpooledFile,
  StaticFileHandler,
  type StaticFileOptions,
  streamRequestBody,
} from "squall/web";
import type { FileStore } from "./file-store.js";
import { attachment, formatSize } from "./format.js";

/** What one upload may be. */
export interface UploadLimits {
  /** Bytes of one file. */
  readonly file: number;
  /** Bytes of the body of one request: all its files together, and what the form adds. */
  readonly total: number;
}

/** What the routes hand to their handlers. */
type Shelf = {
  readonly store: FileStore;
  readonly limits: UploadLimits;
};

const page = fileURLToPath(new URL("page", import.meta.url));

/** What all handlers share: the store and the limits, and pages for errors. */
class ShelfHandler extends RequestHandler {
  protected store!: FileStore;
  protected limits!: UploadLimits;

  override initialize({ store, limits }: Shelf): void {
    this.store = store;
    this.limits = limits;
  }

  /** The page with a message, or for scripts the message alone. */
  override async writeError(status: number, { error }: ErrorPageOptions): Promise<void> {
    const { file, total } = this.limits;
    const messages: Record<number, string> = {
      403: "Please reload the page and try again.",
      404: "There is no such file.",
      413: `That is too large: a file may have ${formatSize(file)}, and all files of one upload ${formatSize(total)}.`,
    };
    const fallback =
      error instanceof HTTPError && error.logMessage
        ? error.logMessage
        : "That did not work. Please try again.";
    const message = messages[status] ?? fallback;
    if (this.preferredType(["text/html", "application/json"]) === "application/json") {
      await this.finish({ error: message });
    } else await this.renderShelf(message);
  }

  protected renderShelf(problem = ""): Promise<void> {
    const { store, limits, xsrfToken } = this;
    this.setHeader("Cache-Control", "no-store");
    return this.render("index.html", { files: store.files(), limits, problem, xsrfToken, formatSize });
  }
}

class PageHandler extends ShelfHandler {
  async get(): Promise<void> {
    await this.renderShelf();
  }
}

// The token against requests of other sites comes in the query or in a header field: the body has not been read yet
// when it is checked.
@streamRequestBody
class UploadsHandler extends ShelfHandler {
  override prepare(): void {
    this.request.connection?.setMaxBodySize(this.limits.total);
  }

  async post(): Promise<void> {
    const spooled: { readonly file: SpooledFile; readonly name: string; readonly type: string }[] = [];
    for await (const part of this.readParts({ maxPartSize: this.limits.file })) {
      if (part.filename === undefined) continue;
      const file = await part.spool(this.store.spoolFolder);
      // A field in which no file was chosen is sent as an empty file without a name.
      if (part.baseName !== "") spooled.push({ file, name: part.baseName, type: part.contentType });
    }
    if (spooled.length === 0) throw new HTTPError(400, "No file was chosen.");
    for (const { file, name, type } of spooled) await this.store.add(file, name, type);
    if (this.preferredType(["text/html", "application/json"]) === "application/json") {
      this.setStatus(201);
      this.write({ files: spooled.map(({ name, file }) => ({ name, size: file.size })) });
    } else this.redirect("/", { status: 303 });
  }
}

/** A file of the store. It is never shown on this site, whatever its type: browsers save it under its name. */
class FileHandler extends StaticFileHandler {
  #store!: FileStore;

  override initialize({ store }: Shelf & StaticFileOptions): void {
    super.initialize({ path: store.folder });
    this.#store = store;
  }

  override parseUrlPath(id: string): string {
    if (this.#store.get(id) === undefined) throw new HTTPError(404);
    return id;
  }

  override getContentType(): string {
    return "application/octet-stream";
  }

  override setExtraHeaders(id: string): void {
    this.setHeader("Content-Disposition", attachment(this.#store.get(id)?.name ?? id));
    this.setHeader("Content-Security-Policy", "default-src 'none'; sandbox");
  }
}

class RemoveHandler extends ShelfHandler {
  async post({ id }: { id: string }): Promise<void> {
    if (!(await this.store.remove(id))) throw new HTTPError(404);
    this.redirect("/", { status: 303 });
  }
}

/** The shelf as an application, ready to listen. */
export function makeApplication(store: FileStore, limits: UploadLimits): Application {
  const shelf: Shelf = { store, limits };
  return new Application(
    [
      ["/", PageHandler, shelf],
      ["/uploads", UploadsHandler, shelf],
      ["/files/(?<id>[^/]+)", FileHandler, shelf],
      ["/files/:id/remove", RemoveHandler, shelf],
      ["/static/((?:upload|icon)\\.(?:css|js|svg))", StaticFileHandler, { path: page }],
    ],
    {
      templatePath: page,
      xsrfCookies: true,
      xsrfCookieKwargs: { samesite: "Strict", httponly: true },
      securityHeaders: {
        contentSecurityPolicy:
          "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        referrerPolicy: "no-referrer",
      },
    },
  );
}
