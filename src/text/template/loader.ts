/** Templates from the files of a folder. Tornado `Loader`. */
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Chunk } from "../../base/bytes.js";
import { toUnicode } from "../../base/escape.js";
import { filePath } from "../../base/file-path.js";
import { BaseLoader, type LoaderOptions } from "./base-loader.js";
import { TemplateNotFoundError } from "./errors.js";
import { isRelativeTo } from "./relative-name.js";

/**
 * Loads templates from a folder and the folders below it. A name that leads out of the folder is refused, so
 * that a name which comes from a request can do no more than choose among the templates. Files are read
 * synchronously, once each; links are followed.
 */
export class Loader extends BaseLoader {
  /** The folder, as an absolute path. */
  readonly root: string;

  /** `rootDirectory` is a path, or a `file:` URL such as `new URL("templates", import.meta.url)`. */
  constructor(rootDirectory: string | URL, options?: LoaderOptions) {
    super(options);
    this.root = resolve(filePath("rootDirectory", rootDirectory));
  }

  /**
   * The path from the folder to the file, with slashes. A relative name is read as seen from the folder of
   * the template that holds it, unless that leads out of the root: then as seen from the root.
   *
   * @throws TemplateNotFoundError (`ERR_SQUALL_TEMPLATE_NOT_FOUND`) for a name that leads out of the root.
   */
  override resolvePath(name: string, parentPath?: string): string {
    const near = isRelativeTo(name, parentPath) ? this.#inside(join(dirname(parentPath), name)) : undefined;
    const path = near ?? this.#inside(name);
    if (path === undefined)
      throw new TemplateNotFoundError(name, `the template ${name} is outside of the loader's folder`);
    return path;
  }

  protected override readSource(name: string): Chunk {
    try {
      const text = toUnicode(readFileSync(join(this.root, name)));
      return text.startsWith("\ufeff") ? text.slice(1) : text;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EISDIR") throw cause;
      throw new TemplateNotFoundError(name, `there is no template ${name} in ${this.root}`, { cause });
    }
  }

  /** The path relative to the root; undefined if it leads out of the root. */
  #inside(path: string): string | undefined {
    if (path.includes("\0")) return undefined;
    const absolute = resolve(this.root, path);
    const below = this.root.endsWith(sep) ? this.root : this.root + sep;
    if (!absolute.startsWith(below)) return undefined;
    return relative(this.root, absolute).replaceAll(sep, "/");
  }
}
