/**
 * The version of a static file. The `v` of its URL is the SHA-512 of its content, in hexadecimal. The same is
 * the entity tag of a file of at most 1 MiB; to hash more than that would keep the first client of a large
 * file waiting for seconds, so its tag is made of what the system says: size, times of change and inode.
 *
 * Versions are kept per path, for the whole process. A file that is served is looked at anyway, so a changed
 * one gets a new version at once; a URL is made without looking, from the version known.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { CHUNK_SIZE, type OpenFile, readPieces } from "./open-file.js";

interface Known {
  /** Of the file when it was read; undefined if it was read for a URL. */
  readonly stamp: string | undefined;
  readonly version: string;
}

const known = new Map<string, Known>();
/** Files that are being read now; requests that come meanwhile wait for the same result. */
const reading = new Map<string, Promise<string>>();

/** Forgets all versions. */
export function forgetVersions(): void {
  known.clear();
}

/** Files above this many bytes are not read for their tag. */
export const MAX_HASHED_SIZE: number = 1 << 20;

/**
 * The version of an open file for its entity tag. With `useCache` false it is found out each time. Every
 * change of the file changes it: a write moves the time of the inode (`ctime`), which programs cannot set.
 */
export async function versionOfOpenFile(file: OpenFile, useCache: boolean): Promise<string> {
  const { path, stamp } = file;
  if (file.size > MAX_HASHED_SIZE) return stamp.replaceAll(":", "-");
  const there = known.get(path);
  if (useCache && there?.stamp === stamp) return there.version;
  const key = `${stamp} ${path}`;
  let pending = reading.get(key);
  if (pending === undefined) {
    pending = hashOpenFile(file);
    reading.set(key, pending);
    pending.finally(() => reading.delete(key)).catch(() => {});
  }
  const version = await pending;
  known.set(path, { stamp, version });
  return version;
}

async function hashOpenFile(file: OpenFile): Promise<string> {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha512");
  for await (const piece of readPieces(file, 0, file.size)) hash.update(piece);
  return hash.digest("hex");
}

/**
 * The version for a URL: what is known, else what `read` gives. Throws the system's error if the file cannot
 * be read.
 */
export function versionOfPath(path: string, useCache: boolean, read: (path: string) => string): string {
  const there = known.get(path);
  if (useCache && there !== undefined) return there.version;
  const version = read(path);
  known.set(path, { stamp: undefined, version });
  return version;
}

/** Reads a file and hashes it, in one go. */
export function hashFileNow(path: string): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha512");
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is not a file`);
    const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, length));
    }
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}
