/**
 * Finds links in plain text. A link is `scheme:/` (one to three slashes) or `www.` at the beginning of a
 * word, and then as many of these as follow one another, at least one:
 *
 * - a run of characters without space, `&`, `<`, `>`, `'` or parentheses (though with `&` and `"`
 *   themselves), which ends before trailing punctuation;
 * - a pair of parentheses round such a run, so that `/wiki/Tornado_(film)` is whole and `(see http://a.b)` is
 *   not too long.
 *
 * The work is done by a scanner and not by a regular expression: nested repetition invites input that takes
 * for ever, and here every character is looked at a constant number of times.
 */
import type { Chunk } from "../base/bytes.js";
import { xhtmlEscape } from "../base/escape.js";
import { checkNames, optionNames } from "../base/nearest-name.js";

/** What {@link linkify} can be told. */
export interface LinkifyOptions {
  /** Shorten the text of links of more than 30 characters; the whole URL becomes the title. Default false. */
  readonly shorten?: boolean | undefined;
  /**
   * Further attributes for each link, as HTML (`rel="nofollow"`), or a function that gets the link's
   * (escaped) URL and answers them. Default none.
   */
  readonly extraParams?: string | ((href: string) => string) | undefined;
  /** Link only URLs with a scheme, not `www.example.com`. Default false. */
  readonly requireProtocol?: boolean | undefined;
  /**
   * The schemes to link, exactly as written; default `http` and `https`. Others (`javascript`!) stay text.
   */
  readonly permittedProtocols?: Iterable<string> | undefined;
}

const LINKIFY_OPTIONS = optionNames<LinkifyOptions>({
  shorten: 1,
  extraParams: 1,
  requireProtocol: 1,
  permittedProtocols: 1,
});

const LONGEST = 30;
const SPACE = /[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const WORD = /[\p{L}\p{N}_]/u;

// What a character means in a run: it goes on, it may not be the last one, it ends the run, or it begins a
// reference.
const GOES_ON = 0;
const NOT_LAST = 1;
const ENDS = 2;
const REFERENCE = 3;

const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (char === "&") return REFERENCE;
  // Python counts the information separators as space.
  if (/[\t-\r\x1c-\x20()]/.test(char)) return ENDS;
  return /[!"#$%'*+,.:;<=>?@[\]^`{|}~]/.test(char) ? NOT_LAST : GOES_ON;
});

function meaning(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code < 128) return ASCII[code] as number;
  return SPACE.test(text.charAt(index)) ? ENDS : GOES_ON;
}

/** Whether the character that begins at `index` belongs to a word; false beyond the ends. */
function wordAt(text: string, index: number): boolean {
  const point = text.codePointAt(index);
  return point !== undefined && WORD.test(String.fromCodePoint(point));
}

/** Where the character before `index` begins. */
function before(text: string, index: number): number {
  const pair = index >= 2 && /[\udc00-\udfff]/.test(text.charAt(index - 1));
  return index - (pair && /[\ud800-\udbff]/.test(text.charAt(index - 2)) ? 2 : 1);
}

function atBoundary(text: string, index: number): boolean {
  return wordAt(text, index) !== (index > 0 && wordAt(text, before(text, index)));
}

/**
 * Reads units of a run from `start`; answers where the run ends and where its last character fit for an end
 * does.
 */
function scanRun(text: string, start: number): { end: number; last: number } {
  let end = start;
  let last = start;
  for (; end < text.length; end++) {
    const kind = meaning(text, end);
    if (kind === GOES_ON) {
      last = end + 1;
    } else if (kind === ENDS) {
      break;
    } else if (kind === REFERENCE) {
      // The text is escaped, so that an ampersand always begins a reference.
      if (text.startsWith("&amp;", end)) end += 4;
      else if (text.startsWith("&quot;", end)) end += 5;
      else break;
    }
  }
  return { end, last };
}

/** Where the link's parts that begin at `start` end; `start` itself if there is none. */
function scanParts(text: string, start: number): number {
  let end = start;
  for (;;) {
    if (text.charAt(end) === "(") {
      const close = scanRun(text, end + 1).end;
      if (text.charAt(close) !== ")") return end;
      end = close + 1;
    } else {
      const run = scanRun(text, end);
      if (run.last === end) return end;
      end = run.last;
      if (run.last !== run.end) return end;
    }
  }
}

interface Link {
  readonly start: number;
  readonly end: number;
  /** Empty for `www.` */
  readonly scheme: string;
  /** Length of scheme, colon and slashes. */
  readonly prefix: number;
}

function linkWithScheme(text: string, colon: number, from: number): Link | undefined {
  let start = colon;
  while (start > from) {
    const previous = before(text, start);
    if (previous < from || (text.charAt(previous) !== "-" && !wordAt(text, previous))) break;
    start = previous;
  }
  while (start < colon && !atBoundary(text, start)) start++;
  if (start === colon) return undefined;
  let slashes = colon + 1;
  while (slashes < colon + 4 && text.charAt(slashes) === "/") slashes++;
  for (; slashes > colon + 1; slashes--) {
    const end = scanParts(text, slashes);
    if (end > slashes) return { start, end, scheme: text.slice(start, colon), prefix: slashes - start };
  }
  return undefined;
}

function linkWithoutScheme(text: string, start: number): Link | undefined {
  if (!atBoundary(text, start)) return undefined;
  const end = scanParts(text, start + 4);
  return end > start + 4 ? { start, end, scheme: "", prefix: 0 } : undefined;
}

/**
 * The links of one kind: each candidate is looked at once, and the link found last is kept until it is
 * passed.
 */
class Candidates {
  readonly #text: string;
  readonly #mark: string;
  readonly #read: (text: string, at: number, from: number) => Link | undefined;
  #at = 0;
  #link: Link | undefined;

  constructor(
    text: string,
    mark: string,
    read: (text: string, at: number, from: number) => Link | undefined,
  ) {
    this.#text = text;
    this.#mark = mark;
    this.#read = read;
  }

  /** The first link that begins at or after `from`, which never goes back. */
  next(from: number): Link | undefined {
    if (this.#link !== undefined && this.#link.start >= from) return this.#link;
    this.#link = undefined;
    let at = Math.max(this.#at, from);
    while (this.#link === undefined) {
      at = this.#text.indexOf(this.#mark, at);
      if (at < 0) at = this.#text.length;
      this.#at = at;
      if (at === this.#text.length) return undefined;
      this.#link = this.#read(this.#text, at, from);
      at++;
    }
    return this.#link;
  }
}

/** All links in escaped text, from left to right. */
function* findLinks(text: string): Generator<Link> {
  const schemed = new Candidates(text, ":/", linkWithScheme);
  const bare = new Candidates(text, "www.", linkWithoutScheme);
  for (let from = 0; ; ) {
    const one = schemed.next(from);
    const other = bare.next(from);
    const link = other === undefined || (one !== undefined && one.start <= other.start) ? one : other;
    if (link === undefined) return;
    yield link;
    from = link.end;
  }
}

/** The text to show for a long URL; the URL itself if nothing is won. */
function shortened(url: string, prefix: number): string {
  const whole = [...url];
  if (whole.length <= LONGEST) return url;
  let short = url;
  const [host, path] = url.slice(prefix).split("/", 2);
  if (path !== undefined) {
    // The host and the beginning of the path's first part say most.
    const hint = [...path].slice(0, 8).join("").split("?")[0]?.split(".")[0];
    short = `${url.slice(0, prefix)}${host}/${hint}`;
  }
  const points = [...short];
  if (points.length > LONGEST * 1.5) short = points.slice(0, LONGEST).join("");
  if (short === url) return url;
  // Do not cut through a reference.
  const ampersand = short.lastIndexOf("&");
  if (ampersand > LONGEST - 5) short = short.slice(0, ampersand);
  short += "...";
  return [...short].length < whole.length ? short : url;
}

/**
 * Plain text (or UTF-8 bytes) as HTML with its URLs as links:
 * `linkify("Hello http://tornadoweb.org!")` gives `Hello <a
 * href="http://tornadoweb.org">http://tornadoweb.org</a>!`
 */
export function linkify(text: Chunk, options: LinkifyOptions = {}): string {
  checkNames("option of linkify()", options, LINKIFY_OPTIONS);
  const { shorten = false, requireProtocol = false, extraParams = "" } = options;
  const permitted = new Set(options.permittedProtocols ?? ["http", "https"]);
  const escaped = xhtmlEscape(text);
  const fixed = typeof extraParams === "string" && extraParams !== "" ? ` ${extraParams.trim()}` : "";
  let html = "";
  let done = 0;
  for (const { start, end, scheme, prefix } of findLinks(escaped)) {
    if (scheme === "" ? requireProtocol : !permitted.has(scheme)) continue;
    const url = escaped.slice(start, end);
    const href = scheme === "" ? `http://${url}` : url;
    let attributes = typeof extraParams === "function" ? ` ${extraParams(href).trim()}` : fixed;
    const shown = shorten ? shortened(url, prefix) : url;
    if (shown !== url) attributes += ` title="${href}"`;
    html += `${escaped.slice(done, start)}<a href="${href}"${attributes}>${shown}</a>`;
    done = end;
  }
  return html + escaped.slice(done);
}
