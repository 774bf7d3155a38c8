/**
 * The content of small files, kept so that serving one again costs one look at it in place of opening,
 * checking, reading and closing it: seven trips to the thread pool.
 *
 * A file is looked at for each request, and what is kept counts only while inode, size and times are the
 * same. A file that was changed a moment ago is not kept, since a second change within one tick of the file
 * system's clock would leave them the same. What is kept was checked to lie in its root when it was opened,
 * and goes by root and path.
 */

/** What is asked of a file that was read. */
export interface FileLook {
  /** Bytes. */
  readonly size: number;
  /** When its content or its inode was changed last, in milliseconds since 1970. */
  readonly changed: number;
  /** Changes when the file is replaced or written. */
  readonly stamp: string;
}

/** Larger files are not kept: reading takes longer than opening. */
export const MAX_KEPT_SIZE: number = 64 * 1024;
/** Bytes of all files that are kept; those that were not asked for the longest go first. */
const MAX_KEPT_TOTAL = 16 * 1024 * 1024;
/** File systems tell times to a few milliseconds, old ones to two seconds. */
const SETTLED_AFTER = 2_000;

interface Kept {
  readonly stamp: string;
  readonly content: Buffer;
}

/** In the order in which they were asked for last. */
const contents = new Map<string, Kept>();
let total = 0;

function forget(key: string, { content }: Kept): void {
  contents.delete(key);
  total -= content.length;
}

/** Forgets everything. */
export function forgetContents(): void {
  contents.clear();
  total = 0;
}

/** The content of a file that looks like `stamp`; undefined if it is not kept. */
export function keptContent(key: string, stamp: string): Buffer | undefined {
  const kept = contents.get(key);
  if (kept === undefined) return undefined;
  if (kept.stamp !== stamp) {
    forget(key, kept);
    return undefined;
  }
  contents.delete(key);
  contents.set(key, kept);
  return kept.content;
}

/**
 * Keeps the whole content of a file that was opened, unless it changed a moment before `now` (milliseconds
 * since 1970).
 */
export function keepContent(key: string, file: FileLook, piece: Uint8Array, now: number): void {
  if (piece.length !== file.size || piece.length > MAX_KEPT_SIZE) return;
  if (!(now - file.changed > SETTLED_AFTER)) return;
  const before = contents.get(key);
  if (before !== undefined) forget(key, before);
  // A copy of its own: the piece may be a part of a larger buffer.
  const content = Buffer.allocUnsafeSlow(piece.length);
  content.set(piece);
  contents.set(key, { stamp: file.stamp, content });
  total += content.length;
  for (const [oldest, kept] of contents) {
    if (total <= MAX_KEPT_TOTAL) break;
    forget(oldest, kept);
  }
}
