/** Where Tornado's other answers depart, and what is owed instead. */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { esc } from "../apps/wire.js";
import type { VectorResponse } from "../wire-compare.js";
import {
  type Amendment,
  errorPage,
  fieldOf,
  fieldsOf,
  page,
  tagOf,
  withBody,
  withFields,
} from "./exchange.js";

/** The answer to HEAD is that to GET without its body. */
function answerTo(method: string, response: VectorResponse): VectorResponse {
  return method === "HEAD" ? { ...response, body: Buffer.alloc(0) } : response;
}

const KNOWN = ["GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS"];

/**
 * The methods of the application's handlers where these are not GET alone, as the README of the vectors has
 * them.
 */
const METHODS: readonly (readonly [path: RegExp, methods: readonly string[]])[] = [
  [/^\/$|^\/redirect\/|^\/error\/|^\/prepare$/, ["GET", "POST"]],
  [/^\/arg\//, ["GET", "POST", "PUT"]],
  [/^\/add\/?$|^\/remove\/*$|^\/etag\/|^\/auth(?:_abs)?$/, ["GET", "HEAD", "POST"]],
  [/^\/(?:status|flush|dir)\/|^\/gzip$|^\/(?:robots\.txt|favicon\.ico)$/, ["GET", "HEAD"]],
  [/^\/xsrf$/, ["GET", "POST", "DELETE", "PUT"]],
  [/^\/(?:only_post|upload)$/, ["POST"]],
  [/^\/options$/, ["GET", "OPTIONS", "PROPFIND"]],
  [/^\/nope/, []],
];

/** RFC 9110 §15.5.6. */
export const allow: Amendment = ({ request, response, settings }) => {
  if (response.status !== 405 || fieldOf(response, "Allow") !== undefined) return undefined;
  // A handler that sets a status speaks for itself.
  if (request.path.startsWith("/status/") && ["GET", "HEAD"].includes(request.method)) return undefined;
  const isFile = request.path.startsWith(String(settings.static_url_prefix ?? "/static/"));
  const methods = METHODS.find(([path]) => path.test(request.path))?.[1] ?? ["GET"];
  return { response: withFields(response, { Allow: isFile ? "GET, HEAD" : methods.join(", ") }) };
};

/** RFC 9110 §9.1. */
export const unknownMethod: Amendment = ({ request, response }) =>
  response.status === 405 && ![...KNOWN, "TRACE", "CONNECT"].includes(request.method)
    ? { response: errorPage(response, 501) }
    : undefined;

/** RFC 9112 §3.2: the characters of URIs, and those few that browsers send as they are. */
export const targetCharacters: Amendment = ({ request, response }) =>
  /^[!$-;=?-~]+$/.test(request.target) || response.status === 400
    ? undefined
    : {
        response: { status: 400, reason: "Bad Request", headers: [], body: Buffer.alloc(0) },
        ends: true,
      };

/** RFC 9110 §8.4.1: identity is no coding at all. */
export const identityForm: Amendment = ({ request, response }) => {
  if (fieldOf(request, "Content-Encoding")?.toLowerCase() !== "identity") return undefined;
  const [, kind] = /^\/arg\/(body|list|required|default)$/.exec(request.path) ?? [];
  if (response.status !== 400 || kind === undefined) return undefined;
  const values = new URLSearchParams(request.body).getAll("a").map((value) => value.trim());
  const isList = kind === "body" || kind === "list";
  const body = Buffer.from(isList ? values.map(esc).join("|") : (values.at(-1) ?? ""));
  return { response: withBody({ ...response, status: 200, reason: "OK" }, body) };
};

/** What `/json/dict` writes. */
const DICT = '{"a":1,"b":["<\\/x>",null,true],"\u00e9":"\u2603"}';

/** JSON without Python's spaces, and the tag that goes with it. */
export const compactJson: Amendment = ({ request, response }) => {
  const type = fieldOf(response, "Content-Type") ?? "";
  if (response.status === 304 && request.path === "/json/dict") {
    return { response: withFields(response, { Etag: tagOf(Buffer.from(DICT)) }) };
  }
  const text = response.body.toString();
  if (response.status !== 200 || !type.includes("json") || !/[:,] /.test(text)) return undefined;
  if (!/^\/(?:json|finish)\//.test(request.path)) return undefined;
  return { response: page(response, JSON.stringify(JSON.parse(text)).replaceAll("</", "<\\/")) };
};

/** A field that was added twice can be cleared. */
export const clearAdded: Amendment = ({ request, response }) =>
  request.path === "/headers/clear_added" && response.status === 500
    ? { response: page(response, "ok") }
    : undefined;

/** RFC 9110 §15.3.6: a 205 has no content, and without content there is no type of it. */
export const resetContent: Amendment = ({ request, response }) => {
  if (response.status !== 205) return undefined;
  const isErrorPage = /^\/(?:send_)?error\//.test(request.path);
  if (!isErrorPage && (response.body.length > 0 || /(?:^|&)body=[^&]/.test(request.query))) {
    return { response: answerTo(request.method, errorPage(response, 500)) };
  }
  if (fieldOf(response, "Content-Type") === undefined) return undefined;
  return { response: withFields(withBody(response, Buffer.alloc(0)), { "Content-Type": undefined }) };
};

/** RFC 9110 §15.3.5. */
export const noContent: Amendment = ({ request, response }) =>
  /^\/(?:send_)?error\/204$/.test(request.path) && response.status === 500
    ? {
        response: withFields(
          { ...response, status: 204, reason: "No Content", body: Buffer.alloc(0) },
          { "Content-Type": undefined, "Content-Length": undefined },
        ),
      }
    : undefined;

/** RFC 9113 §8.2.3. */
export const cookieLines: Amendment = ({ request, response }) => {
  const lines = fieldsOf(request, "Cookie");
  const name = { "/cookies/get": "a", "/auth": "user" }[request.path];
  if (lines.length < 2 || name === undefined || request.method !== "GET" || response.status !== 200) {
    return undefined;
  }
  const found = lines
    .join("; ")
    .split(/; */)
    .findLast((cookie) => cookie.startsWith(`${name}=`));
  const value = esc(Buffer.from(found?.slice(name.length + 1) ?? "none", "latin1"));
  const owed = page(response, name === "user" ? `user ${value}` : value);
  return owed.body.equals(response.body) ? undefined : { response: owed };
};

/** RFC 9112 §8: what failed in its middle has no last chunk, and the connection ends. */
export const failedInTheMiddle: Amendment = ({ request, response }) => {
  if (!/^\/(?:redirect\/flushed|flush\/error)$/.test(request.path) || response.status !== 200)
    return undefined;
  // To HTTP/1.0 it ends anyway.
  if (response.truncated === true || request.version === "HTTP/1.0") return undefined;
  return {
    response: request.method === "HEAD" ? response : { ...response, truncated: true },
    ends: true,
  };
};

const percent = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** RFC 9110 §10.2.2: a URI reference. What RedirectHandler takes from the path is encoded as a path. */
export const locationIsAURI: Amendment = ({ request, response }) => {
  const location = fieldOf(response, "Location");
  if (request.path.startsWith("/old/") && request.method === "GET" && [301, 500].includes(response.status)) {
    const octets = Buffer.from(decodeURIComponent(request.path.slice("/old/".length))).toString("latin1");
    const query =
      location !== undefined && request.query !== "" ? location.slice(location.lastIndexOf("?")) : "";
    const owed = `/new/${octets.replace(/[^A-Za-z0-9_.~/-]/g, percent)}${query}`;
    if (owed === location) return undefined;
    const redirect = withBody({ ...response, status: 301, reason: "Moved Permanently" }, Buffer.alloc(0));
    return { response: withFields(redirect, { Location: owed }) };
  }
  const owed = location?.replace(/[ \x80-\xff]/g, percent);
  return owed === location ? undefined : { response: withFields(response, { Location: owed }) };
};

/** A query goes along as it was sent; Tornado writes `y` as `y=`. */
export const queryAsSent: Amendment = ({ request, response }) => {
  const location = fieldOf(response, "Location");
  if (location === undefined || request.query === "" || !request.path.startsWith("/old")) return undefined;
  const owed = `${request.path === "/old_temp" ? "/new?x=1&" : location.replace(/\?.*$/, "?")}${request.query}`;
  return owed === location ? undefined : { response: withFields(response, { Location: owed }) };
};

/** RFC 9110 §13.1.2, with the weak comparison of §8.8.3.2. */
export const ifNoneMatch: Amendment = ({ request, response }) => {
  const wanted = fieldOf(request, "If-None-Match");
  const etag = fieldOf(response, "Etag");
  if (wanted === undefined || etag === undefined || !["GET", "HEAD"].includes(request.method))
    return undefined;
  const opaque = (tag: string) => tag.replace(/^W\//, "");
  const tags = wanted.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  const matches = wanted === "*" || tags.some((tag) => opaque(tag) === opaque(etag));
  if (!matches && response.status === 304 && request.path.startsWith("/etag/")) {
    const full = withBody({ ...response, status: 200, reason: "OK" }, Buffer.from("etag body"));
    const html = withFields(full, { "Content-Type": "text/html; charset=UTF-8" });
    return { response: answerTo(request.method, html) };
  }
  if (!matches || response.status !== 200) return undefined;
  return {
    response: withFields(
      { ...response, status: 304, reason: "Not Modified", body: Buffer.alloc(0) },
      { "Content-Type": undefined, "Content-Length": undefined },
    ),
  };
};

/** The weight of a coding in Accept-Encoding (RFC 9110 §12.5.3); 0 refuses it. */
function weightOf(coding: string, accepted: string): number {
  for (const member of accepted.split(",")) {
    const [name = "", ...parameters] = member.split(";").map((part) => part.trim().toLowerCase());
    if (name !== coding && name !== `x-${coding}`) continue;
    return Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
  }
  return 0;
}

/** The coding that a client should get: gzip, unless it prefers brotli. */
function codingOf(accepted: string): string | undefined {
  const [gzip, br] = [weightOf("gzip", accepted), weightOf("br", accepted)];
  if (gzip === 0 && br === 0) return undefined;
  return br > gzip ? "br" : "gzip";
}

/** How long text is in a coding. */
function codedLength(text: Buffer, coding: string | undefined): number {
  if (coding === undefined) return text.length;
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
  return (coding === "br" ? brotliCompressSync(text, quality) : gzipSync(text)).length;
}

/**
 * The response in a coding, as the family shows it, or without one; the pieces of `/gzip?flush` are known. Of
 * the answer to HEAD the length tells the coding, so there it is given.
 */
function inCoding(
  response: VectorResponse,
  coding: string | undefined,
  content: Buffer,
  isHead: boolean,
): VectorResponse {
  const { chunks: _, ...rest } = response;
  if (fieldOf(response, "Transfer-Encoding") !== undefined) {
    const coded = withFields(rest, { "Content-Encoding": coding });
    return coding === undefined ? { ...coded, chunks: [content.length - 10, 10] } : coded;
  }
  const length = codedLength(content, coding);
  return withFields(rest, {
    "Content-Encoding": coding,
    "Content-Length": coding === undefined || isHead ? String(length) : "<GZIP>",
  });
}

/** What `/gzip` writes; undefined if it flushes, since HEAD does not show the framing then. */
function contentOf(query: string): Buffer | undefined {
  const given = new URLSearchParams(query);
  return given.has("flush") ? undefined : Buffer.alloc(Number(given.get("n") ?? 2000), "x");
}

const COMPRESSIBLE =
  /^(?:text\/.*|application\/(?:x-)?javascript|application\/(?:(?:atom|xhtml)\+)?xml|application\/json|image\/svg\+xml)$/;

/** RFC 9110 §12.5.3, §8.4.1 and §8.3.1: weights count, and names of codings and types have no case. */
export const acceptEncoding: Amendment = ({ request, response, settings }) => {
  const accepted = fieldOf(request, "Accept-Encoding");
  if (settings.compress_response !== true || accepted === undefined) return undefined;
  const isHead = request.method === "HEAD";
  const content = isHead && request.path === "/gzip" ? contentOf(request.query) : response.body;
  if (content === undefined || !/^\/gzip$|^\/(?:static|dir)\//.test(request.path)) return undefined;
  const theirs = fieldOf(response, "Content-Encoding");
  const isWhole = fieldOf(response, "Transfer-Encoding") === undefined;
  if (theirs !== undefined && theirs !== "gzip") return undefined;
  const type = (fieldOf(response, "Content-Type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  const isWorthIt = COMPRESSIBLE.test(type) && !(isWhole && content.length < 1024);
  const owed = isWorthIt && response.status !== 206 ? codingOf(accepted) : undefined;
  return owed === theirs ? undefined : { response: inCoding(response, owed, content, isHead) };
};

/** RFC 9110 §8.8.3: one tag for two representations is a weak one. Of a coded file no ranges are offered. */
export const weakTag: Amendment = ({ response, settings }) => {
  const etag = fieldOf(response, "Etag");
  if (settings.compress_response !== true || etag?.startsWith('"') !== true) return undefined;
  if (!["gzip", "br"].includes(fieldOf(response, "Content-Encoding") ?? "")) return undefined;
  const weak = withFields(response, { Etag: `W/${etag}`, "Accept-Ranges": undefined });
  // A file leaves in one piece where Tornado flushes; a page with a tag was not flushed.
  return { response: fieldOf(weak, "Transfer-Encoding") === undefined ? weak : oneCodedPiece(weak) };
};

function oneCodedPiece({ chunks: _, ...response }: VectorResponse): VectorResponse {
  return withFields(response, { "Transfer-Encoding": undefined, "Content-Length": "<GZIP>" });
}
