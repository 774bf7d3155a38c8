/**
 * Opens a file for being served, so that what was checked is what is sent.
 *
 * A name can lead elsewhere a moment later, so size, kind and time are asked of the open file. It is opened
 * without waiting, since opening a FIFO would wait for a writer, and whatever is no regular file is closed
 * again.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { isInside } from "./static-path.js";

/** An open regular file. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Changes when the file is replaced or written. */
  readonly stamp: string;
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

/**
 * Opens a regular file below `root`. With `followSymlinks` false, one that is reached by a symbolic link
 * which leads out of `root` counts as outside. Errors of the system that are about more than this file
 * (`EMFILE`, `EIO`) are thrown.
 */
export async function openFile(
  root: string,
  path: string,
  followSymlinks: boolean,
): Promise<OpenFile | OpenFailure> {
  let handle: FileHandle;
  try {
    // Some devices do things when they are opened, so anything but a regular file is not even opened.
    if (!(await stat(path)).isFile()) return "not-a-file";
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
    return {
      handle,
      path,
      size: stats.size,
      modified: stats.mtimeMs,
      stamp: `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`,
    };
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
  const realRoot = await realpath(root);
  if (process.platform === "linux") {
    try {
      return isInside(realRoot, await readlink(`/proc/self/fd/${handle.fd}`));
    } catch {
      // No /proc here.
    }
  }
  const realPath = await realpath(path);
  if (!isInside(realRoot, realPath)) return false;
  const there = await lstat(realPath);
  return there.dev === open.dev && there.ino === open.ino;
}

/** Size of the pieces in which files are read. */
export const CHUNK_SIZE: number = 64 * 1024;

/**
 * The bytes of an open file from `start` up to, but not including, `end`, in pieces of at most 64 KiB. Ends
 * early if the file has become shorter.
 */
export async function* readPieces(
  handle: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
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
