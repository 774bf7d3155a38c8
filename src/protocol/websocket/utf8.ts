/**
 * UTF-8, checked as it arrives (RFC 6455 §8.1, RFC 3629 §4). A message of text fails at the first octet that
 * cannot be part of it, even in the middle of the message and across fragments.
 *
 *     state        the next octet                               and then
 *     BOUNDARY     00–7F                                        BOUNDARY
 *                  C2–DF / E0 / E1–EC EE EF / ED                TAIL_1 / AFTER_E0 / TAIL_2 / AFTER_ED
 *                  F0 / F1–F3 / F4                              AFTER_F0 / TAIL_3 / AFTER_F4
 *     TAIL_n       80–BF                                        one tail octet less, at last BOUNDARY
 *     AFTER_E0     A0–BF   (80–9F would be an overlong form)    TAIL_1
 *     AFTER_ED     80–9F   (A0–BF would be a surrogate)         TAIL_1
 *     AFTER_F0     90–BF   (80–8F would be an overlong form)    TAIL_2
 *     AFTER_F4     80–8F   (90–BF would be above U+10FFFF)      TAIL_2
 *
 * Every other octet leads to INVALID, which is terminal. A state is a small integer: the caller keeps it
 * between pieces.
 */
import { isUtf8 } from "node:buffer";

/** Between two characters: every check begins here, and the text may end here. */
export const BOUNDARY = 0;
const TAIL_1 = 1;
const TAIL_2 = 2;
const TAIL_3 = 3;
const AFTER_E0 = 4;
const AFTER_ED = 5;
const AFTER_F0 = 6;
const AFTER_F4 = 7;
/** The octets so far are not the beginning of any text. */
export const INVALID = 8;

/** Below this size the table is quicker than a call of the platform's check. */
const SHORT = 48;

/** The state after octet `o` in state `s` is `NEXT[(s << 8) | o]`. */
const NEXT: Uint8Array = /* @__PURE__ */ buildTable();

function buildTable(): Uint8Array {
  const next = new Uint8Array((INVALID + 1) << 8).fill(INVALID);
  const on = (state: number, from: number, to: number, then: number) =>
    next.fill(then, (state << 8) | from, ((state << 8) | to) + 1);
  on(BOUNDARY, 0x00, 0x7f, BOUNDARY);
  on(BOUNDARY, 0xc2, 0xdf, TAIL_1);
  on(BOUNDARY, 0xe0, 0xe0, AFTER_E0);
  on(BOUNDARY, 0xe1, 0xef, TAIL_2);
  on(BOUNDARY, 0xed, 0xed, AFTER_ED);
  on(BOUNDARY, 0xf0, 0xf0, AFTER_F0);
  on(BOUNDARY, 0xf1, 0xf3, TAIL_3);
  on(BOUNDARY, 0xf4, 0xf4, AFTER_F4);
  on(TAIL_1, 0x80, 0xbf, BOUNDARY);
  on(TAIL_2, 0x80, 0xbf, TAIL_1);
  on(TAIL_3, 0x80, 0xbf, TAIL_2);
  on(AFTER_E0, 0xa0, 0xbf, TAIL_1);
  on(AFTER_ED, 0x80, 0x9f, TAIL_1);
  on(AFTER_F0, 0x90, 0xbf, TAIL_2);
  on(AFTER_F4, 0x80, 0x8f, TAIL_2);
  return next;
}

/** The state after the octets `start` to `end` of `bytes`, by the table alone. */
function step(state: number, bytes: Uint8Array, start: number, end: number): number {
  let now = state;
  for (let at = start; at < end; at++) now = NEXT[(now << 8) | bytes[at]!]!;
  return now;
}

/**
 * The state after the octets `start` to `end` of `bytes`; {@link BOUNDARY} or {@link INVALID}, or inside a
 * character. Linear; the bulk of a long piece is left to the platform's own check.
 */
export function checkUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < SHORT) return step(state, bytes, start, end);
  // To the end of the character that has begun, then whole characters, then the one that the piece cuts.
  let first = start;
  let now = state;
  while (now !== BOUNDARY && now !== INVALID && first < end) now = NEXT[(now << 8) | bytes[first++]!]!;
  if (now === INVALID) return INVALID;
  let last = end;
  for (let at = end - 1; at >= end - 3 && at >= first; at--) {
    const octet = bytes[at]!;
    if (octet < 0x80) break;
    if (octet >= 0xc0) {
      last = at;
      break;
    }
  }
  if (!isUtf8(bytes.subarray(first, last))) return INVALID;
  return step(BOUNDARY, bytes, last, end);
}
