/** What one side writes, the other side reads back: messages, cookies, forms, dates, ranges, signed values. */
import assert from "node:assert/strict";
import { urlEscape, urlUnescape } from "squall/escape";
import {
  type ArgumentMap,
  type CookieAttributes,
  formatParameters,
  formatSetCookie,
  formatTimestamp,
  HTTPHeaders,
  parseCookie,
  parseDate,
  parseMultipartFormData,
  parseParameters,
  parseUrlencoded,
  urlConcat,
} from "squall/httputil";
import { genLog } from "squall/log";
import { createSignedValue, decodeSignedValue } from "squall/web";
import type { Chunk } from "#room/base/bytes";
import { encodePercent } from "#room/base/percent";
import { formatContentRange, resolveRange } from "#room/protocol/fields/range";
import { HTTP1Sender } from "#room/protocol/http1/sender";
import { isForbiddenTrailer } from "#room/protocol/http1/trailers";
import { fuzz } from "./support/fuzz.js";
import { tokenText, valueText } from "./support/grammar.js";
import { readRequests, readResponse } from "./support/ours.js";
import type { Random } from "./support/random.js";

// Forged values are logged, and here there are thousands of them.
genLog.setLevel("critical");

/** Text of all planes, without lone halves of surrogate pairs. */
function anyText(random: Random, longest = 12): string {
  let text = "";
  for (let i = random.below(longest + 1); i > 0; i--) {
    text += random.pick([
      "a",
      "Z",
      "0",
      " ",
      "+",
      "%",
      "&",
      "=",
      ";",
      ",",
      '"',
      "\\",
      "/",
      "?",
      "#",
      "\n",
      "\r\n",
      "\0",
      "\u007f",
      "é",
      "ÿ",
      "€",
      "\ufeff",
      "😀",
      "\u2028",
      "%41",
      "__proto__",
    ]);
  }
  return text;
}

/** A body in pieces, text and bytes mixed. */
function makeBody(random: Random): { readonly pieces: Chunk[]; readonly bytes: Buffer } {
  const pieces = random.list(random.below(5), (): Chunk => {
    const kind = random.below(4);
    if (kind === 0) return anyText(random, 30);
    if (kind === 1) return "x".repeat(random.pick([0, 1, 100, 5000, 40_000]));
    return random.bytes(random.pick([0, 1, 10, 3000]));
  });
  return { pieces, bytes: Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))) };
}

/** Takes what the sender sends; corked or not makes no difference to the bytes. */
class Output {
  readonly parts: Buffer[] = [];
  send(data: string | Uint8Array, encoding: "latin1" | "utf8" = "utf8"): boolean {
    this.parts.push(typeof data === "string" ? Buffer.from(data, encoding) : Buffer.from(data));
    return true;
  }
}

function makeFields(random: Random): HTTPHeaders {
  const headers = new HTTPHeaders();
  for (let i = random.below(5); i > 0; i--) {
    const name = tokenText(random);
    headers.add(name, valueText(random));
  }
  return headers;
}

function makeTrailers(random: Random): string[] {
  const trailers = random.list(random.below(3), () => [tokenText(random), valueText(random)] as const);
  return trailers.filter(([name]) => !isForbiddenTrailer(name)).flat();
}

fuzz("what HTTP1Sender sends as a request, HTTP1Receiver reads back", { runs: 1000 }, (random) => {
  const output = new Output();
  const sender = new HTTP1Sender(output);
  const sent = random.list(random.between(1, 4), () => {
    const headers = makeFields(random);
    headers.set("Host", "example.com");
    const { pieces, bytes } = makeBody(random);
    const isKnown = random.chance(0.5);
    if (isKnown) headers.set("Content-Length", String(bytes.length));
    const method = random.pick(["POST", "PUT", "QUERY"]);
    const path = `/${random.text("abc?&=%20;:@!$'()*+,.~-_|", random.below(20))}`;
    const first = random.chance(0.5) ? pieces[0] : undefined;
    sender.beginRequest({ method, path, version: "HTTP/1.1" }, headers.toRaw(), { hasBody: true }, first);
    for (const piece of first === undefined ? pieces : pieces.slice(1)) sender.write(piece);
    const trailers = isKnown ? [] : makeTrailers(random);
    sender.end(trailers.length === 0 ? undefined : trailers);
    const fields = [...headers.toRaw(), ...(isKnown ? [] : ["Transfer-Encoding", "chunked"])];
    return { start: [method, path], fields, body: bytes.toString("latin1"), trailers, complete: true };
  });
  const outcome = readRequests(random.cut(Buffer.concat(output.parts)));
  const read = outcome.messages.map(({ start, fields, body, trailers, complete }) => ({
    start,
    fields: [...fields],
    body,
    trailers: [...trailers],
    complete,
  }));
  assert.deepEqual(read, sent);
  assert.equal(outcome.refusal ?? outcome.broken, undefined);
});

fuzz("what HTTP1Sender sends as a response, HTTP1Receiver reads back", { runs: 1000 }, (random) => {
  const output = new Output();
  const sender = new HTTP1Sender(output);
  const method = random.pick(["GET", "HEAD", "POST"]);
  const code = random.pick([200, 201, 204, 206, 304, 404, 500]);
  const reason = valueText(random);
  const version = random.pick(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]);
  const keepAlive = random.chance(0.7);
  const headers = makeFields(random);
  const isBodiless = code === 204 || code === 304;
  const { pieces, bytes } = isBodiless ? { pieces: [], bytes: Buffer.alloc(0) } : makeBody(random);
  const isWhole = random.chance(0.3);
  const isKnown = !isWhole && !isBodiless && random.chance(0.5);
  if (isKnown) headers.set("Content-Length", String(bytes.length));
  const context = { method, version, keepAlive };
  const line = { version: "HTTP/1.1" as const, code, reason };
  if (random.chance(0.1) && version === "HTTP/1.1") sender.continue100();
  const trailers = isWhole || isKnown ? [] : makeTrailers(random);
  if (isWhole) sender.respond(line, headers.toRaw(), context, bytes);
  else {
    sender.beginResponse(line, headers.toRaw(), context);
    for (const piece of pieces) sender.write(piece);
    sender.end(trailers.length === 0 ? undefined : trailers);
  }
  const outcome = readResponse(method, random.cut(Buffer.concat(output.parts)));
  const message = outcome.messages.at(-1)!;
  assert.equal(outcome.refusal ?? outcome.broken, undefined);
  assert.equal(message.complete, true);
  assert.deepEqual(message.start, [String(code), reason]);
  assert.equal(message.body, method === "HEAD" || isBodiless ? "" : bytes.toString("latin1"));
  assert.deepEqual(message.fields.slice(0, headers.toRaw().length), [...headers.toRaw()]);
  const isChunked = message.fields.includes("chunked");
  if (isChunked && method !== "HEAD") assert.deepEqual([...message.trailers], trailers);
  // Only what says so closes, and who was told to close says so.
  if (version === "HTTP/1.1") assert.equal(outcome.closesAfter < Number.POSITIVE_INFINITY, !sender.keepAlive);
});

fuzz("what formatSetCookie() writes, parseCookie() reads", { runs: 2000 }, (random) => {
  const cookies = random.list(random.between(1, 4), (i) => {
    const name = `${tokenText(random)}${i}`;
    const value = random.text("abc\"\\;,=:%\u0080\u00ff\u007f()<>@{}[]?/'", random.below(8));
    return { name, value };
  });
  const attributes: CookieAttributes = {
    path: random.pick([undefined, "/", "/a b"]),
    maxAge: random.pick([undefined, 0, -1, 3600]),
    httpOnly: random.chance(0.5),
    expires: random.pick([undefined, 0, 1e12]),
  };
  const sent = cookies.map(({ name, value }) => formatSetCookie(name, value, attributes));
  for (const field of sent) new HTTPHeaders().add("Set-Cookie", field);
  // What a browser sends back: each pair as it came, up to the first semicolon.
  const back = sent.map((field) => field.split(";", 1)[0]!).join("; ");
  const read = parseCookie(back);
  assert.deepEqual({ ...read }, Object.fromEntries(cookies.map(({ name, value }) => [name, value])));
});

fuzz("forms that were encoded are read back, URL-encoded and multipart", { runs: 1000 }, (random) => {
  const pairs = random.list(random.below(6), () => [anyText(random), anyText(random)] as [string, string]);
  const expected: Record<string, Buffer[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const key = Buffer.from(name).toString("latin1");
    expected[key] ??= [];
    expected[key].push(Buffer.from(value));
  }
  const body = pairs
    .map(([name, value]) => `${encodePercent(name, { plus: true })}=${encodePercent(value, { plus: true })}`)
    .join("&");
  assert.deepEqual(parseUrlencoded(body), expected);
  assert.deepEqual(parseUrlencoded(Buffer.from(urlConcat("/x", pairs).slice(3))), expected);
  multipart(random);
});

function multipart(random: Random): void {
  const boundary = random.text("abcXYZ'()+_,-./:=?09", random.between(1, 70));
  const quoted = (text: string): string =>
    `"${text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A")}"`;
  const parts = random.list(random.below(5), (i) => ({
    name: `n${i}${random.pick(["", "é", "a b", "€"])}`,
    filename: random.chance(0.5) ? undefined : `f${random.pick(["", "ü.txt", "a;b", "c'd"])}`,
    type: random.pick([undefined, "text/plain"]),
    value: random.chance(0.3)
      ? Buffer.from(
          random.pick([
            "\r\n",
            `\r\n--${boundary.slice(0, -1)}`,
            "--",
            `--${boundary}x`,
            "\r\n--",
            "\r",
            `x--${boundary}--`,
          ]),
        )
      : random.bytes(random.below(50)),
  }));
  // A value may hold anything but the delimiter itself.
  const delimiter = `\r\n--${boundary}`;
  if (
    parts.some(
      ({ value }) => value.includes(delimiter) || `\r\n${value.toString("latin1")}`.startsWith(delimiter),
    )
  )
    return;
  const chunks: Buffer[] = [];
  for (const part of parts) {
    const file = part.filename === undefined ? "" : `; filename=${quoted(part.filename)}`;
    const type = part.type === undefined ? "" : `Content-Type: ${part.type}\r\n`;
    chunks.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name=${quoted(part.name)}${file}\r\n${type}\r\n`,
      ),
    );
    chunks.push(part.value, Buffer.from("\r\n"));
  }
  chunks.push(Buffer.from(`--${boundary}--${random.pick(["", "\r\n", "\r\nepilogue"])}`));
  const preamble = random.chance(0.1) ? "preamble\r\n" : "";
  const args: ArgumentMap = Object.create(null);
  const files: Record<string, { filename: string; body: Buffer; contentType: string }[]> =
    Object.create(null);
  parseMultipartFormData(boundary, Buffer.concat([Buffer.from(preamble), ...chunks]), args, files as never);
  for (const part of parts) {
    if (part.filename === undefined) assert.deepEqual(args[part.name], [part.value], part.name);
    else {
      const file = files[part.name]![0]!;
      assert.equal(file.filename, part.filename);
      assert.deepEqual(file.body, part.value);
      assert.equal(file.contentType, part.type ?? "application/unknown");
    }
  }
  assert.equal(Object.keys(args).length + Object.keys(files).length, parts.length);
}

fuzz(
  "text and bytes survive urlEscape() and urlUnescape(), parameters survive formatParameters()",
  { runs: 2000 },
  (random) => {
    const text = anyText(random, 30);
    for (const plus of [true, false]) {
      assert.equal(urlUnescape(urlEscape(text, { plus }), { plus }), text);
      const bytes = random.bytes(random.below(20));
      assert.deepEqual(urlUnescape(urlEscape(bytes, { plus }), { plus, encoding: null }), bytes);
      // Never throws, whatever comes.
      urlUnescape(random.text("%0aFg+\u00ff", 10), { plus, encoding: null });
    }
    const parameters: Record<string, string> = Object.create(null);
    for (let i = random.below(4); i > 0; i--) {
      const name = random.text("abcxyz-", random.between(1, 5));
      parameters[name] = valueText(random);
    }
    const parsed = parseParameters(formatParameters("form-data", parameters));
    assert.equal(parsed.value, "form-data");
    assert.deepEqual({ ...parsed.parameters }, { ...parameters });
  },
);

fuzz("dates, ranges and signed values come back as they were", { runs: 1500 }, (random) => {
  const seconds = random.between(-62_135_596_800, 253_402_300_799);
  assert.equal(parseDate(formatTimestamp(seconds * 1000), 0), seconds * 1000);
  ranges(random);
  signedValues(random);
});

function ranges(random: Random): void {
  const length = random.pick([0, 1, 2, 100, random.below(1000)]);
  const a = random.below(length + 3);
  const b = random.below(length + 3);
  const all = random.list(length, (i) => i);
  const form = random.pick(["both", "open", "suffix"]);
  const field = form === "both" ? `bytes=${a}-${b}` : form === "open" ? `bytes=${a}-` : `bytes=-${b}`;
  const wanted =
    form === "both" ? all.slice(a, b + 1) : form === "open" ? all.slice(a) : b === 0 ? [] : all.slice(-b);
  const range = resolveRange(field, length);
  if (form === "both" && b < a) assert.equal(range.kind, "ignored");
  else if (wanted.length === 0) assert.notEqual(range.kind, "partial");
  else {
    assert.equal(range.kind, "partial");
    if (range.kind !== "partial") return;
    assert.deepEqual(all.slice(range.start, range.end), wanted);
    assert.equal(
      formatContentRange(range.start, range.end, length),
      `bytes ${wanted[0]}-${wanted.at(-1)}/${length}`,
    );
  }
}

function signedValues(random: Random): void {
  const name = anyText(random);
  const value = random.chance(0.5) ? anyText(random) : random.bytes(random.below(20));
  const version = random.pick([1, 2]);
  const now = random.between(1, 4_000_000_000);
  const clock = (): number => now;
  const secret = version === 2 && random.chance(0.5) ? { 0: "a", 7: "b" } : "s";
  const signed = createSignedValue(secret, name, value, {
    version,
    clock,
    keyVersion: typeof secret === "string" ? undefined : random.pick([0, 7]),
  });
  const read = (given: string | Uint8Array, as = name): Buffer | undefined =>
    decodeSignedValue(secret, as, given, { clock });
  assert.deepEqual(read(signed), Buffer.from(value as string));
  assert.deepEqual(read(signed.toString()), Buffer.from(value as string));
  // One changed octet is no value of ours, nor is one under another name.
  const forged = Buffer.from(signed);
  const at = random.below(forged.length);
  forged[at] = forged[at]! ^ (1 << random.below(7));
  if (read(forged) !== undefined) assert.fail(`forged at ${at}: ${signed} as ${forged}`);
  assert.equal(read(signed, `${name}x`), undefined);
}
