/**
 * What the UI modules of a page add to it: files of scripts and scripts before the last `</body>`, files of
 * styles, styles and HTML before the first `</head>`, HTML before the first `</body>`. Where these are is
 * read from the page as it was rendered; nothing that a module adds can move them.
 */
import type { Chunk } from "../../base/bytes.js";
import { InvalidStateError } from "../../base/errors.js";
import { toUnicode, xhtmlEscape } from "../../base/escape.js";
import type { ModuleFiles, PagePart } from "../modules/types.js";
import type { Handler } from "../types.js";
import { isAbsolute } from "./redirect.js";

/** What is added to a page, by its place. */
interface Resources {
  readonly scriptFiles: string[];
  readonly scripts: Chunk[];
  readonly styleFiles: string[];
  readonly styles: Chunk[];
  readonly heads: string[];
  readonly bodies: string[];
}

function addFiles(to: string[], files: ModuleFiles): void {
  if (typeof files === "string") {
    if (files !== "") to.push(files);
  } else if (files !== undefined && files !== null) to.push(...files);
}

function collect(parts: Iterable<PagePart>): Resources {
  const found: Resources = {
    scriptFiles: [],
    scripts: [],
    styleFiles: [],
    styles: [],
    heads: [],
    bodies: [],
  };
  for (const part of parts) {
    const script = part.embeddedJavascript();
    if (script) found.scripts.push(script);
    addFiles(found.scriptFiles, part.javascriptFiles());
    const style = part.embeddedCss();
    if (style) found.styles.push(style);
    addFiles(found.styleFiles, part.cssFiles());
    const head = part.htmlHead();
    if (head) found.heads.push(toUnicode(head));
    const body = part.htmlBody();
    if (body) found.bodies.push(toUnicode(body));
  }
  return found;
}

/** Where the first or the last end tag of an element begins. */
function placeOf(html: string, tag: "head" | "body", last: boolean, page: string): number {
  const exact = last ? html.lastIndexOf(`</${tag}>`) : html.indexOf(`</${tag}>`);
  if (exact >= 0) return exact;
  // Tags are case-insensitive, and may have space before the bracket.
  const tags = [...html.matchAll(tag === "head" ? /<\/head\s*>/gi : /<\/body\s*>/gi)];
  const found = tags.at(last ? -1 : 0);
  if (found !== undefined) return found.index;
  throw new InvalidStateError(`${page} has no </${tag}>, before which a UI module adds something`);
}

/** A page with what its modules add. `page` is its name for errors. */
export function addResources(
  handler: Handler,
  page: string,
  html: string,
  parts: Iterable<PagePart>,
): string {
  const found = collect(parts);
  /** Texts by where they are inserted, in the order in which they stand at one place. */
  const inserts: (readonly [at: number, text: string])[] = [];
  const insert = (at: number, text: string): void => void inserts.push([at, `${text}\n`]);
  const { scriptFiles, scripts, styleFiles, styles, heads, bodies } = found;
  if (scriptFiles.length + scripts.length > 0) {
    const at = placeOf(html, "body", true, page);
    if (scriptFiles.length > 0) insert(at, handler.renderLinkedJs(scriptFiles));
    if (scripts.length > 0) insert(at, handler.renderEmbedJs(scripts));
  }
  if (styleFiles.length + styles.length + heads.length > 0) {
    const at = placeOf(html, "head", false, page);
    if (styleFiles.length > 0) insert(at, handler.renderLinkedCss(styleFiles));
    if (styles.length > 0) insert(at, handler.renderEmbedCss(styles));
    if (heads.length > 0) insert(at, heads.join(""));
  }
  if (bodies.length > 0) insert(placeOf(html, "body", false, page), bodies.join(""));
  // Sorting is stable.
  inserts.sort(([a], [b]) => a - b);
  let done = 0;
  let result = "";
  for (const [at, text] of inserts) {
    result += html.slice(done, at) + text;
    done = at;
  }
  return result + html.slice(done);
}

/** URLs of files, each once: paths lead below `staticPath`. */
function urlsOf(handler: Handler, files: readonly string[]): string[] {
  return [...new Set(files.map((file) => (isAbsolute(file) ? file : handler.staticUrl(file))))];
}

/** `handler.renderLinkedJs()`. */
export function linkedJs(handler: Handler, files: readonly string[]): string {
  return urlsOf(handler, files)
    .map((url) => `<script src="${xhtmlEscape(url)}" type="text/javascript"></script>`)
    .join("");
}

/** `handler.renderEmbedJs()`. */
export function embedJs(scripts: readonly Chunk[]): string {
  const text = scripts.map((script) => toUnicode(script)).join("\n");
  return `<script type="text/javascript">\n//<![CDATA[\n${text}\n//]]>\n</script>`;
}

/** `handler.renderLinkedCss()`. */
export function linkedCss(handler: Handler, files: readonly string[]): string {
  return urlsOf(handler, files)
    .map((url) => `<link href="${xhtmlEscape(url)}" type="text/css" rel="stylesheet"/>`)
    .join("");
}

/** `handler.renderEmbedCss()`. */
export function embedCss(styles: readonly Chunk[]): string {
  return `<style type="text/css">\n${styles.map((style) => toUnicode(style)).join("\n")}\n</style>`;
}
