/**
 * A second reading of RFC 9112 for requests, as plain as it can be: the whole input as one text, regular
 * expressions from the grammar, no state machine, no speed. The property tests compare the receiver with it.
 */

/** One message as both parsers see it. */
export interface TwinMessage {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly keepAlive: boolean;
  readonly body: string;
  readonly trailers: readonly string[] | undefined;
}

/** All whole messages of the input, and whether what follows them is refused or merely not complete. */
export interface TwinResult {
  readonly messages: readonly TwinMessage[];
  readonly refused: boolean;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const VALUE = "[\\t\\x20-\\x7e\\x80-\\xff]*";
const HEAD = new RegExp(
  `^((?:\\r\\n){0,4})(${TOKEN}) ([!$-;=?-~]+) HTTP/1\\.([0-9])\\r\\n((?:${TOKEN}:${VALUE}\\r\\n)*)\\r\\n`,
);
const SECTION = new RegExp(`^((?:${TOKEN}:${VALUE}\\r\\n)*)\\r\\n`);
const QUOTED = '"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
const SIZE_LINE = new RegExp(
  `^([0-9A-Fa-f]{1,16})(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)*\\r\\n`,
);
const HOST =
  /^(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[[A-Za-z0-9\-._~!$&'()*+,;=:]+\])(?::[0-9]{0,5})?$/;
/** The one forbidden trailer that the generated input holds. */
const DROPPED_TRAILER = /^host$/i;

class Refused extends Error {}
class Incomplete extends Error {}

function need(condition: boolean): void {
  if (!condition) throw new Refused();
}

function fieldsOf(block: string): string[] {
  const fields: string[] = [];
  for (const line of block.split("\r\n").slice(0, -1)) {
    const colon = line.indexOf(":");
    fields.push(line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ""));
  }
  return fields;
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === name);
}

function checkTarget(method: string, target: string): void {
  if (method === "CONNECT") {
    need(HOST.test(target) && /:[0-9]+$/.test(target) && !target.endsWith("]"));
    return;
  }
  if (target.startsWith("/")) return;
  if (target === "*") {
    need(method === "OPTIONS");
    return;
  }
  const absolute = /^https?:\/\/([^/?]*)/i.exec(target);
  need(absolute !== null && HOST.test(absolute[1]!));
}

/** One message at the start of `text`, and what is left behind it. */
function readOne(text: string): { message: TwinMessage; rest: string } {
  const match = HEAD.exec(text);
  if (match === null) {
    // Not a head: refused if no continuation could make it one, which this twin does not try to tell.
    throw new Incomplete();
  }
  const [whole, , method, target, minor, block] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const fields = fieldsOf(block);
  checkTarget(method, target);
  const hosts = valuesOf(fields, "host");
  need(hosts.length === 1 || (minor === "0" && hosts.length === 0));
  need(hosts.length === 0 || hosts[0] === "" || HOST.test(hosts[0]!));
  const lengths = valuesOf(fields, "content-length")
    .flatMap((value) => value.split(","))
    .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ""));
  need(lengths.every((value) => /^[0-9]+$/.test(value) && value === lengths[0]));
  const codings = valuesOf(fields, "transfer-encoding");
  need(codings.length === 0 || (codings.length === 1 && codings[0]!.toLowerCase() === "chunked"));
  need(codings.length === 0 || (lengths.length === 0 && minor !== "0"));
  const options = valuesOf(fields, "connection")
    .flatMap((value) => value.split(","))
    .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, "").toLowerCase());
  const keepAlive = !options.includes("close") && (minor !== "0" || options.includes("keep-alive"));
  const behind = text.slice(whole.length);
  const { body, trailers, rest } =
    codings.length === 1 ? readChunked(behind) : readLength(behind, Number(lengths[0] ?? "0"));
  return { message: { method, target, fields, keepAlive, body, trailers }, rest };
}

interface TwinBody {
  readonly body: string;
  readonly trailers: readonly string[] | undefined;
  readonly rest: string;
}

function readLength(text: string, length: number): TwinBody {
  need(length <= 100 * 1024 * 1024);
  if (text.length < length) throw new Incomplete();
  return { body: text.slice(0, length), trailers: undefined, rest: text.slice(length) };
}

function readChunked(text: string): TwinBody {
  let rest = text;
  let body = "";
  for (;;) {
    const line = SIZE_LINE.exec(rest);
    if (line === null) throw new Incomplete();
    rest = rest.slice(line[0].length);
    const size = Number.parseInt(line[1]!, 16);
    need(body.length + size <= 100 * 1024 * 1024);
    if (size === 0) break;
    if (rest.length < size + 2) throw new Incomplete();
    body += rest.slice(0, size);
    need(rest.slice(size, size + 2) === "\r\n");
    rest = rest.slice(size + 2);
  }
  const section = SECTION.exec(rest);
  if (section === null) throw new Incomplete();
  const kept: string[] = [];
  const fields = fieldsOf(section[1]!);
  for (let i = 0; i < fields.length; i += 2) {
    if (!DROPPED_TRAILER.test(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
  }
  return { body, trailers: kept.length === 0 ? undefined : kept, rest: rest.slice(section[0].length) };
}

/**
 * Reads requests until the input is used up, is refused, or makes no whole message. The twin is sure of `refused`
 * only behind a well-formed head; it says false for everything that is no whole message.
 */
export function readRequests(text: string): TwinResult {
  const messages: TwinMessage[] = [];
  let rest = text;
  while (rest !== "") {
    try {
      const { message, rest: behind } = readOne(rest);
      messages.push(message);
      if (!message.keepAlive) break;
      rest = behind;
    } catch (error) {
      if (error instanceof Refused) return { messages, refused: true };
      if (error instanceof Incomplete) return { messages, refused: false };
      throw error;
    }
  }
  return { messages, refused: false };
}
