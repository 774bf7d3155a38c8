/** Well-formed HTTP/1 messages of all shapes, as text whose characters are octets. */
import type { Random } from "./random.js";

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz";
const HOSTS = ["x", "example.com", "example.com:80", "[::1]", "[::1]:8888", "a.b-c.d", ""];
const TARGETS = [
  "/",
  "/a/b",
  "/?x=1&y",
  "/%41%zz",
  "//a//",
  "/a;b=c",
  "/..",
  "/:8080",
  "/x?y?z",
  "/a\\b|c",
  "/'",
];

/** A reason, a value, the text of an extension: visible, with spaces inside, and obs-text now and then. */
export function valueText(random: Random): string {
  const inner = random.text(`${TOKEN} \t"(),/:;<=>?@[\\]{}\u0080\u00a0\u00ff`, random.below(12));
  return inner.replace(/^[ \t]+|[ \t]+$/g, "");
}

export function tokenText(random: Random, longest = 8): string {
  return random.text(TOKEN, random.between(1, longest));
}

/** A body in some framing: the fields that announce it, and its octets on the wire. */
export interface Framed {
  readonly fields: readonly string[];
  readonly wire: string;
}

function content(random: Random): string {
  return random.chance(0.2)
    ? random.pick(["GET /inner HTTP/1.1\r\nHost: x\r\n\r\n", "0\r\n\r\n", "\r\n", "\r\n\r\n"])
    : random.text("abc\r\n :0\u0000\u00ff", random.below(30));
}

export function chunked(random: Random, body: string): string {
  let wire = "";
  let rest = body;
  while (rest !== "") {
    const size = random.between(1, rest.length);
    wire += `${chunkSize(random, size)}${extension(random)}\r\n${rest.slice(0, size)}\r\n`;
    rest = rest.slice(size);
  }
  const last = random.chance(0.1) ? "000" : "0";
  return `${wire}${last}${extension(random)}\r\n${trailers(random)}\r\n`;
}

function chunkSize(random: Random, size: number): string {
  const text = size.toString(16);
  return random.pick([text, text, text.toUpperCase(), `0${text}`]);
}

function extension(random: Random): string {
  if (random.chance(0.85)) return "";
  return random.pick([
    ";a",
    ";a=b",
    ';a="b c"',
    ";a;b=c",
    ';q="\\""',
    " ; a = b",
    `;${tokenText(random)}=${tokenText(random)}`,
  ]);
}

function trailers(random: Random): string {
  if (random.chance(0.85)) return "";
  return random.pick([
    "X-Sum: 1\r\n",
    "a:\r\nb: c d \r\n",
    "Host: evil\r\n",
    "Content-Length: 3\r\n",
    `${tokenText(random)}:${valueText(random)}\r\n`,
  ]);
}

export function framed(random: Random): Framed {
  const how = random.weighted({ none: 4, length: 3, chunked: 4 });
  if (how === "none") return { fields: random.chance(0.2) ? ["Content-Length: 0"] : [], wire: "" };
  const body = content(random);
  if (how === "length") {
    const name = random.pick(["Content-Length", "content-length", "CONTENT-LENGTH"]);
    return { fields: [`${name}: ${body.length}`], wire: body };
  }
  return {
    fields: [random.pick(["Transfer-Encoding: chunked", "transfer-encoding:  Chunked "])],
    wire: chunked(random, body),
  };
}

function otherFields(random: Random): string[] {
  return random.list(random.below(4), () => {
    if (random.chance(0.15))
      return random.pick([
        "Connection: keep-alive",
        "Connection: x, close",
        "Connection: close",
        "Upgrade: y",
        "Connection: upgrade",
      ]);
    const name = tokenText(random);
    return `${name}:${random.pick(["", " ", "\t", "  "])}${valueText(random)}${random.pick(["", "", " ", "\t"])}`;
  });
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** HTTP/1.0 knows no chunks. */
function versionFor(random: Random, body: Framed): string {
  const isChunked = body.fields.some((line) => /^transfer/i.test(line));
  return isChunked || random.chance(0.9) ? "HTTP/1.1" : "HTTP/1.0";
}

/** One request. */
export function requestText(random: Random): string {
  const body = framed(random);
  const version = versionFor(random, body);
  const method =
    body.wire === ""
      ? random.pick(["GET", "HEAD", "DELETE", "OPTIONS", "POST"])
      : random.pick(["POST", "PUT", "PATCH", "GET"]);
  const target =
    method === "OPTIONS" && random.chance(0.3)
      ? "*"
      : random.chance(0.05)
        ? "http://example.com/x"
        : random.pick(TARGETS);
  const fields = shuffled(random, [`Host: ${random.pick(HOSTS)}`, ...body.fields, ...otherFields(random)]);
  const blank = random.chance(0.05) ? "\r\n" : "";
  return `${blank}${method} ${target} ${version}\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n${body.wire}`;
}

/** One response. */
export function responseText(random: Random, isHead: boolean): string {
  const code = random.pick([200, 200, 200, 404, 500, 204, 304, 205, 301, 299, 600]);
  const body = framed(random);
  const version = versionFor(random, body);
  const untilClose = random.chance(0.2);
  const bodiless = isHead || code === 204 || code === 304;
  const fields = shuffled(random, [
    ...(untilClose || (code === 204 && random.chance(0.8)) ? [] : body.fields),
    ...otherFields(random),
  ]);
  const wire = bodiless && random.chance(0.9) ? "" : untilClose ? content(random) : body.wire;
  const interim = random.chance(0.15)
    ? random.pick(["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"])
    : "";
  const reason = random.chance(0.1) ? random.pick(["", " "]) : ` ${valueText(random)}`;
  return `${interim}${version} ${code}${reason}\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n${wire}`;
}
