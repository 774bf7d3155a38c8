/** Where Tornado's answers about files depart, and what is owed instead. */
import { FILES } from "../apps/wire-web.js";
import type { VectorResponse } from "../wire-compare.js";
import { type Amendment, type Exchange, fieldOf, withBody, withFields } from "./exchange.js";

/** Tornado compresses what comes in pieces, as files do, however small; we, from this length on. */
const WORTH_COMPRESSING = 1024;

/** The media types of the files that the vectors have. */
const TYPES: Readonly<Record<string, string>> = {
  txt: "text/plain",
  html: "text/html",
  css: "text/css",
  json: "application/json",
  svg: "image/svg+xml",
  gz: "application/gzip",
  ico: "image/vnd.microsoft.icon",
};

/** The name of the file that a path leads to, below the folder of the application; undefined for none. */
function fileOf({ request, settings }: Exchange): string | undefined {
  const prefix = String(settings.static_url_prefix ?? "/static/");
  const { path } = request;
  const below = [prefix, "/dir/"].find((start) => path.startsWith(start));
  const special = path === "/robots.txt" || path === "/favicon.ico" ? path.slice(1) : undefined;
  const name = below === undefined ? special : decodeURIComponent(path.slice(below.length));
  const found = below === "/dir/" && name?.endsWith("/") === true ? `${name}index.html` : name;
  return found !== undefined && Object.hasOwn(FILES, found) ? found : undefined;
}

/** The response that holds the whole file. */
function whole({ request, response }: Exchange, name: string): VectorResponse {
  const body = Buffer.from(FILES[name]!);
  const full = withFields(withBody({ ...response, status: 200, reason: "OK" }, body), {
    "Content-Range": undefined,
    "Content-Type": TYPES[/\.(\w+)$/.exec(name)?.[1] ?? ""] ?? "application/octet-stream",
  });
  return request.method === "HEAD" ? { ...full, body: Buffer.alloc(0) } : full;
}

/**
 * A response about a part of a file becomes one with all of it where the request asked for no part that
 * counts.
 */
function wholeUnless(isPartOwed: (exchange: Exchange, range: string) => boolean): Amendment {
  return (exchange) => {
    const { request, response } = exchange;
    const name = fileOf(exchange);
    const range = fieldOf(request, "Range");
    if (name === undefined || range === undefined || ![206, 416].includes(response.status)) return undefined;
    return isPartOwed(exchange, range) ? undefined : { response: whole(exchange, name) };
  };
}

/** RFC 9110 §14.2: GET is the only method with ranges. */
export const rangeIsForGet: Amendment = wholeUnless(({ request }) => request.method === "GET");

/** First and last position of a range of bytes, as text; undefined if the grammar does not allow it. */
function positionsOf(range: string): readonly [first: string, last: string] | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range) ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  return first === "" || last === "" || Number(first) <= Number(last) ? [first, last] : undefined;
}

/** The unit is bytes, in other letters than Tornado knows. */
const isOtherwiseSpelt = (range: string): boolean => /^bytes=/i.test(range) && !range.startsWith("bytes=");

const validRange = wholeUnless((_, range) => positionsOf(range) !== undefined);

/**
 * RFC 9110 §14.1: ranges of digits, whose last position is not before the first, and a unit in any case, which
 * Tornado takes for another one.
 */
export const rangeGrammar: Amendment = (exchange) => {
  const { request, response } = exchange;
  const name = fileOf(exchange);
  const range = fieldOf(request, "Range") ?? "";
  const isPlain = request.method === "GET" && isCurrent(exchange);
  if (name === undefined || !isPlain || response.status !== 200 || !isOtherwiseSpelt(range)) {
    return validRange(exchange);
  }
  const [first, last] = positionsOf(range) ?? ["", ""];
  const file = Buffer.from(FILES[name]!);
  const from = first === "" ? Math.max(0, file.length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? file.length : Math.min(file.length, Number(last) + 1);
  if (first + last === "" || from >= to || to - from === file.length) return undefined;
  const part = withBody({ ...response, status: 206, reason: "Partial Content" }, file.subarray(from, to));
  return { response: withFields(part, { "Content-Range": `bytes ${from}-${to - 1}/${file.length}` }) };
};

/** RFC 9110 §13.1.5: a strong tag, or the date, that names what there is. */
export const ifRange: Amendment = wholeUnless(isCurrent);

function isCurrent({ request, response }: Exchange): boolean {
  const condition = fieldOf(request, "If-Range");
  return (
    condition === undefined ||
    condition === fieldOf(response, "Etag") ||
    condition === fieldOf(response, "Last-Modified")
  );
}

const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const TIME = "\\d{2}:\\d{2}:\\d{2}";
/** RFC 9110 §5.6.7. */
const HTTP_DATE = new RegExp(
  `^(?:${DAY}, \\d{2} ${MONTH} \\d{4} ${TIME} GMT|${LONG_DAY}, \\d{2}-${MONTH}-\\d{2} ${TIME} GMT|${DAY} ${MONTH} [ \\d]\\d ${TIME} \\d{4})$`,
);

/** A 304 becomes the file where the condition on its date does not count. */
function wholeIf(isVoid: (exchange: Exchange, since: string) => boolean): Amendment {
  return (exchange) => {
    const name = fileOf(exchange);
    const since = fieldOf(exchange.request, "If-Modified-Since");
    if (name === undefined || since === undefined || exchange.response.status !== 304) return undefined;
    return isVoid(exchange, since) ? { response: whole(exchange, name) } : undefined;
  };
}

/** RFC 9110 §13.1.3. */
export const dateGrammar: Amendment = wholeIf(
  ({ request }, since) => fieldOf(request, "If-None-Match") === undefined && !HTTP_DATE.test(since),
);

/** RFC 9110 §13.1.3; Tornado takes an empty If-None-Match for none. */
export const tagsBeforeDates: Amendment = wholeIf(({ request }) => fieldOf(request, "If-None-Match") === "");

/** Small files and parts of files stay as they are. */
export const plainFiles: Amendment = (exchange) => {
  const { response } = exchange;
  if (fileOf(exchange) === undefined || fieldOf(response, "Content-Encoding") !== "gzip") return undefined;
  if (response.status !== 206 && response.body.length >= WORTH_COMPRESSING) return undefined;
  return { response: withFields(withBody(response, response.body), { "Content-Encoding": undefined }) };
};

/** The redirect from a folder to its slash keeps the query. */
export const folderQuery: Amendment = ({ request, response }) => {
  if (response.status !== 301 || !request.path.startsWith("/dir/") || request.query === "") return undefined;
  if (fieldOf(response, "Location") !== `${request.path}/`) return undefined;
  return { response: withFields(response, { Location: `${request.path}/?${request.query}` }) };
};
