/**
 * Paths of static files: from the URL to a file that lies in the root directory, or to nothing; and the media
 * type that its name stands for (RFC 9110 §8.3).
 *
 * The route has percent-decoded the path once; it is not decoded again. What is left to fear are names that
 * the system reads differently than they look (NUL, a backslash, a drive or stream on Windows) and `..`.
 * Containment is a question of whole segments: `/srv/static` does not contain `/srv/static_secret`.
 */
import { extname, isAbsolute, relative, resolve, sep } from "node:path";
import { lookup } from "mrmime";
import { filePath } from "../../base/file-path.js";

/** True for paths that no file of a site has: with NUL, a backslash, or on Windows a colon. */
export function isStrangePath(path: string): boolean {
  return /[\0\\]/.test(path) || (sep === "\\" && path.includes(":"));
}

/** True if a segment begins with a dot (`.git`, `.env`), but for `.` and `..`, which are no names. */
export function hasDotfile(path: string): boolean {
  return path
    .split(/[/\\]/)
    .some((segment) => segment.startsWith(".") && segment !== "." && segment !== "..");
}

/**
 * The absolute path of a URL path below a root; with `..`, or if it is absolute itself, it leads out of the
 * root.
 */
export function absolutePathOf(root: string, path: string): string {
  return resolve(root, path);
}

/** True if `path` is `root` or lies in it, both absolute. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

/** A directory as it was given, a path or a `file:` URL, as an absolute path. */
export function rootDirectory(root: string | URL): string {
  return resolve(filePath("the root directory", root));
}

const UNKNOWN = "application/octet-stream";

// A compressed file is sent as what it is, not as its content with a Content-Encoding: a client that asks for
// an archive wants it whole.
const OURS: ReadonlyMap<string, string> = new Map([
  [".gz", "application/gzip"],
  [".tgz", "application/gzip"],
  [".svgz", "application/gzip"],
  [".br", UNKNOWN],
  [".bz2", UNKNOWN],
  [".xz", UNKNOWN],
  [".z", UNKNOWN],
  [".zst", UNKNOWN],
  [".ico", "image/vnd.microsoft.icon"],
]);

/**
 * The type for a path; `application/octet-stream` if it is not known or the file is compressed in another way
 * than gzip.
 */
export function contentTypeOf(path: string): string {
  const extension = extname(path).toLowerCase();
  if (extension === "" || extension === ".") return UNKNOWN;
  return OURS.get(extension) ?? lookup(extension) ?? UNKNOWN;
}
