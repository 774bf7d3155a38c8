/** Seeded random choices: one number, the seed, is enough to repeat a whole case. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Seeds may be larger than 32 bits; both halves count.
    this.#state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)) | 0;
    // Neighbouring seeds begin alike; a few steps take them apart.
    for (let i = 0; i < 3; i++) this.next();
  }

  /** 0 to 1, without 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in `part` of all cases (0 to 1). */
  chance(part: number): boolean {
    return this.next() < part;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** One of the texts that the keys stand for, as often as their weights say. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      at -= weight;
      if (at < 0) return key;
    }
    return entries[0]![0];
  }

  /** `count` things, made one after the other. */
  list<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  /** Text of `length` characters of `alphabet`. */
  text(alphabet: string, length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += alphabet[this.below(alphabet.length)]!;
    return text;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** `bytes` in pieces, as a network may deliver them: whole, octet by octet, or cut anywhere. */
  cut(bytes: Buffer): Buffer[] {
    const how = this.next();
    const most = how < 0.3 ? bytes.length : how < 0.45 ? 1 : how < 0.7 ? 7 : 100;
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + (most === bytes.length ? most : this.between(1, most)));
      pieces.push(Buffer.from(bytes.subarray(at, end)));
      at = end;
    }
    return pieces;
  }
}
