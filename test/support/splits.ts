/**
 * The ways in which bytes can arrive. A parser of streams must not notice the difference: feed it every cutting of
 * a sample and expect the same answers each time.
 */

/** One way to cut, with words for the message of a failing assertion. */
export interface Cutting {
  readonly how: string;
  readonly pieces: readonly Buffer[];
}

/** Whole, byte by byte, in steps of a few bytes, and in two at every place. */
export function* cuttings(bytes: Buffer): Generator<Cutting> {
  yield { how: "whole", pieces: [copy(bytes)] };
  for (const step of [1, 2, 3, 7]) {
    yield { how: `${step} bytes at a time`, pieces: inSteps(bytes, step) };
  }
  for (let at = 1; at < bytes.length; at++) {
    yield { how: `split at ${at}`, pieces: [copy(bytes.subarray(0, at)), copy(bytes.subarray(at))] };
  }
}

/** Pieces of `step` bytes; the last may be shorter. */
export function inSteps(bytes: Buffer, step: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) pieces.push(copy(bytes.subarray(at, at + step)));
  return pieces;
}

/** A copy: parsers keep what they are given, and no two pieces may share memory by accident. */
function copy(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
