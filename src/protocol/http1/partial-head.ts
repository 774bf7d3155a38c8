/**
 * A header block that arrives in pieces: the bytes so far in one growing buffer, and the scanner that knows
 * how far it came. Each byte is copied a bounded number of times on average and scanned once, so a head that
 * is sent one byte at a time costs time linear in its length.
 */
import { type HeadScanner, MORE } from "./head-scanner.js";

const SMALLEST = 512;

/** The bytes of an incomplete block. Made only when a block does not arrive in one piece. */
export class PartialHead {
  readonly scanner: HeadScanner;
  bytes: Buffer;
  length: number;

  /** Takes over what the scanner has seen of `chunk` from `start` on. */
  constructor(scanner: HeadScanner, chunk: Buffer, start: number) {
    this.scanner = scanner;
    this.length = chunk.length - start;
    // Not from Buffer's shared pool: a slow peer would hold a whole pool slab for a few bytes.
    this.bytes = Buffer.allocUnsafeSlow(Math.max(SMALLEST, 2 * this.length));
    chunk.copy(this.bytes, 0, start);
  }

  /**
   * Adds bytes of `chunk` from `start` on, and scans them. Returns how many of them belong to the block when
   * that makes it complete, and sets the scanner's text; else MORE: then it has taken all. `maxSize` is where
   * the scanner refuses at the latest.
   */
  add(chunk: Buffer, start: number, maxSize: number): number {
    const before = this.length;
    const taken = Math.min(chunk.length - start, maxSize - before);
    this.#reserve(before + taken);
    chunk.copy(this.bytes, before, start, start + taken);
    this.length = before + taken;
    const size = this.scanner.scan(this.bytes, 0, this.length);
    if (size === MORE) return MORE;
    this.scanner.text = this.bytes.toString("latin1", 0, size);
    return size - before;
  }

  #reserve(length: number): void {
    if (length <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
