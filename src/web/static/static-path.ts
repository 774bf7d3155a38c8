/**
 * Paths of static files: from the URL to a file that lies in the root directory, or to nothing.
 *
 * The route has percent-decoded the path once, and nobody does it again. What is left to fear are names that
 * the system reads differently than they look (NUL, a backslash, a drive or stream on Windows) and `..`.
 * Containment is a question of whole segments: `/srv/static` does not contain `/srv/static_secret`.
 */
import { isAbsolute, relative, resolve, sep } from "node:path";

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
