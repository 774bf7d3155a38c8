/** Damage done to messages: what a broken or hostile peer might send instead. */
import type { Random } from "./random.js";

/** Octets that mean something to a parser of HTTP/1. */
const TELLING = [
  0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x22, 0x2c, 0x2f, 0x30, 0x31, 0x3a, 0x3b, 0x3d, 0x61, 0x7f, 0x80,
  0xff,
];
const SNIPPETS = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  " ",
  "\t",
  "\r\n ",
  "\r\n\t",
  ":",
  " :",
  "0",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "1",
  ",",
  ";",
  ";a=b",
  ';a="\r\n"',
  "+",
  "-1",
  "0x",
  "Content-Length: 5\r\n",
  "content-length:5\r\n",
  "Content-Length : 5\r\n",
  "Content-Length: 5, 5\r\n",
  "Content-Length: +5\r\n",
  "Content-Length: 6\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "transfer-encoding:chunked\r\n",
  "Transfer-Encoding: chunked, chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding: \tchunked \r\n",
  "Transfer-Encoding: xchunked\r\n",
  "Transfer-Encoding:\r\n chunked\r\n",
  "Transfer-Encoding\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Connection: upgrade\r\nUpgrade: x\r\n",
  "Host: other\r\n",
  "Expect: 100-continue\r\n",
  "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  " HTTP/1.1",
  " HTTP/1.0",
  "HTTP/2.0",
  "\u00a0",
  "\u0085",
  "fffffffffffffffff",
  "00000000000000000005",
];

/** `text` (octets as characters) with `count` random damages. */
export function mutated(random: Random, text: string, count: number): string {
  let result = text;
  for (let i = 0; i < count; i++) result = mutatedOnce(random, result);
  return result;
}

function mutatedOnce(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(random.chance(0.7) ? 1 : 20));
  const put = (piece: string, from = at, to = at): string => text.slice(0, from) + piece + text.slice(to);
  const octet = (): string =>
    String.fromCharCode(random.chance(0.7) ? random.pick(TELLING) : random.below(256));
  switch (
    random.weighted({
      insert: 3,
      remove: 3,
      replace: 3,
      double: 1,
      snippet: 4,
      line: 3,
      size: 2,
      move: 1,
      case: 1,
      cut: 1,
    })
  ) {
    case "insert":
      return put(octet());
    case "remove":
      return put("", at, end);
    case "replace":
      return put(octet(), at, at + 1);
    case "double":
      return put(text.slice(at, end));
    case "snippet":
      return put(
        random.pick(SNIPPETS),
        random.chance(0.6) ? lineStart(text, at) : at,
        random.chance(0.6) ? lineStart(text, at) : at,
      );
    case "line":
      return changedLine(random, text, at);
    case "size":
      return changedNumber(random, text, at);
    case "move": {
      const to = random.below(text.length + 1);
      const without = put("", at, end);
      return without.slice(0, to) + text.slice(at, end) + without.slice(to);
    }
    case "case":
      return put(
        random.chance(0.5) ? text.slice(at, end).toUpperCase() : text.slice(at, end).toLowerCase(),
        at,
        end,
      );
    default:
      return text.slice(0, at);
  }
}

function lineStart(text: string, at: number): number {
  const before = text.lastIndexOf("\r\n", at);
  return before === -1 ? 0 : before + 2;
}

/** One line doubled, removed, folded, or ended in another way. */
function changedLine(random: Random, text: string, at: number): string {
  const start = lineStart(text, at);
  const newline = text.indexOf("\r\n", start);
  const end = newline === -1 ? text.length : newline + 2;
  const line = text.slice(start, end);
  const body = newline === -1 ? line : line.slice(0, -2);
  const changed = random.pick([
    `${line}${line}`,
    "",
    ` ${line}`,
    `\t${line}`,
    `${body}\n`,
    `${body}\r`,
    `${body}\r\r\n`,
    `${body} \r\n`,
    `${body}\n\r\n`,
    body.replace(":", " :"),
    body.replace(": ", ":\r\n "),
    body.replace(":", ""),
    `${body}, ${body.slice(body.indexOf(":") + 1)}\r\n`,
  ]);
  return text.slice(0, start) + changed + text.slice(end);
}

/** One number made larger, smaller, negative, longer, or another kind of number. */
function changedNumber(random: Random, text: string, from: number): string {
  const match = /[0-9]+/g;
  match.lastIndex = from;
  const found = match.exec(text) ?? /[0-9]+/.exec(text);
  if (found === null) return text;
  const digits = found[0];
  const value = Number(digits);
  const changed = random.pick([
    `${value + 1}`,
    `${Math.max(0, value - 1)}`,
    `-${digits}`,
    `+${digits}`,
    `0${digits}`,
    `${digits}0`,
    `0x${digits}`,
    `${digits}.0`,
    `${digits}e0`,
    "0",
    "",
    "18446744073709551616",
    "9007199254740993",
    `${digits} `,
    `${digits},${digits}`,
    `${digits}, ${value + 1}`,
    `${digits}_`,
  ]);
  return text.slice(0, found.index) + changed + text.slice(found.index + digits.length);
}
