/**
 * Opens a file for being served, so that what was checked is what is sent.
 *
 * A name can lead elsewhere a moment later, so size, kind and time are asked of the open file. It is opened
 * without waiting, since opening a FIFO would wait for a writer, and whatever is no regular file is closed
 * again.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { type FileLook, keptContent } from "./content-cache.js";
import { isInside } from "./static-path.js";

/** A regular file: open, or with its content. */
export interface OpenFile extends FileLook {
  /** Undefined if the content is there. */
  readonly handle: FileHandle | undefined;
  /** The content, if it was kept; nothing may write to it. */
  readonly content: Buffer | undefined;
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** Why a file is not served. */
export type OpenFailure = "missing" | "not-a-file" | "outside";

const MISSING = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EINVAL"]);
const FORBIDDEN = new Set(["EACCES", "EPERM", "ENXIO", "EISDIR", "EOPNOTSUPP", "ENODEV"]);

function failureOf(error: unknown): OpenFailure {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (MISSING.has(code)) return "missing";
  if (FORBIDDEN.has(code)) return "not-a-file";
  throw error;
}

/** True if the path is a directory; false for everything else, also if it is not there. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}

function describe(
  path: string,
  stats: Stats,
  handle: FileHandle | undefined,
  content: Buffer | undefined,
): OpenFile {
  const { size, mtimeMs, ctimeMs } = stats;
  return {
    handle,
    content,
    path,
    size,
    modified: mtimeMs,
    changed: Math.max(mtimeMs, ctimeMs),
    stamp: stampOf(stats),
  };
}

/**
 * Opens a regular file below `root`. With `followSymlinks` false, one that is reached by a symbolic link
 * which leads out of `root` counts as outside. With a `key`, content that was kept under it takes the place
 * of the open file, if the file looks the same. Errors of the system that are about more than this file
 * (`EMFILE`, `EIO`) are thrown.
 */
export async function openFile(
  root: string,
  path: string,
  followSymlinks: boolean,
  key?: string,
): Promise<OpenFile | OpenFailure> {
  let handle: FileHandle;
  try {
    // Some devices do things when they are opened, so anything but a regular file is not even opened.
    const stats = await stat(path);
    if (!stats.isFile()) return "not-a-file";
    const content = key === undefined ? undefined : keptContent(key, stampOf(stats));
    if (content !== undefined) return describe(path, stats, undefined, content);
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return failureOf(error);
  }
  let failure: OpenFailure | undefined = "not-a-file";
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return failure;
    if (!followSymlinks && !(await isReallyInside(root, path, handle, stats))) {
      failure = "outside";
      return failure;
    }
    failure = undefined;
    return describe(path, stats, handle, undefined);
  } catch (error) {
    failure = failureOf(error);
    return failure;
  } finally {
    if (failure !== undefined) await handle.close();
  }
}

/**
 * True if the open file lies in the root, links resolved. Where it lies is asked of the descriptor if the
 * system can tell: a path that is looked at again may lead elsewhere again. Otherwise the path must lead to
 * the very file that is open.
 */
async function isReallyInside(
  root: string,
  path: string,
  handle: FileHandle,
  open: { dev: number; ino: number },
): Promise<boolean> {
  if (process.platform === "linux") {
    try {
      const realPath = await readlink(`/proc/self/fd/${handle.fd}`);
      // No link on the way: the root is as it is written, too.
      if (realPath === path && isInside(root, path)) return true;
      return isInside(await realpath(root), realPath);
    } catch {
      // No /proc here.
    }
  }
  const realRoot = await realpath(root);
  const realPath = await realpath(path);
  if (!isInside(realRoot, realPath)) return false;
  const there = await lstat(realPath);
  return there.dev === open.dev && there.ino === open.ino;
}

/** Size of the pieces in which files are read. */
export const CHUNK_SIZE: number = 64 * 1024;

/**
 * The bytes of a file from `start` up to, but not including, `end`, in pieces of at most 64 KiB. Ends
 * early if the file has become shorter.
 */
export async function* readPieces(
  { handle, content }: OpenFile,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  if (handle === undefined) {
    if (content !== undefined && start < end) yield content.subarray(start, end);
    return;
  }
  let at = start;
  while (at < end) {
    // A fresh buffer each time: the one before may still wait for the socket.
    const wanted = Math.min(CHUNK_SIZE, end - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield bytesRead === wanted ? buffer : buffer.subarray(0, bytesRead);
  }
}
