/**
 * The links of an HTML page.
 *
 * A walk from tag to tag that follows the HTML standard where it matters for links: comments and the text of scripts and
 * styles hold none, attributes come with either quote or without, entities are decoded, and `<base href>` moves what
 * relative links are relative to. Each character is looked at once or twice, however broken the page is.
 */
import { xhtmlUnescape } from "squall/escape";

const TAG_NAME = /<([a-z][^\s/>]*)/iy;
const ATTRIBUTE = /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?/y;
const UNCLOSED = /\s*=\s*["']/y;

/** Between these tags there is text, whatever it looks like. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp"]);

/** Absolute http and https addresses without fragments, in the order of the page, each once. */
export function extractLinks(html: string, address: string): string[] {
  const links = new Set<string>();
  let base = address;
  let hasBase = false;
  for (const { name, attributes } of tags(html)) {
    const href = attributes.get("href");
    if (href === undefined) continue;
    if (name === "base" && !hasBase) {
      hasBase = true;
      base = URL.canParse(href, address) ? new URL(href, address).href : address;
    } else if ((name === "a" || name === "area") && URL.canParse(href, base)) {
      const url = new URL(href, base);
      url.hash = "";
      if (url.protocol === "http:" || url.protocol === "https:") links.add(url.href);
    }
  }
  return [...links];
}

interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

function* tags(html: string): Generator<Tag> {
  let at = html.indexOf("<");
  while (at >= 0) {
    TAG_NAME.lastIndex = at;
    const name = TAG_NAME.exec(html)?.[1]?.toLowerCase();
    if (html.startsWith("<!--", at)) {
      const end = html.indexOf("-->", at + 2);
      if (end < 0) return;
      at = end;
    } else if (name === undefined) {
      at += 1;
    } else {
      const [attributes, end] = readAttributes(html, at + 1 + name.length);
      if (end < 0) return;
      yield { name, attributes };
      at = RAW_TEXT.has(name) ? endOfText(html, name, end) : end;
      if (at < 0) return;
    }
    at = html.indexOf("<", at);
  }
}

/** The attributes of a tag, and where it ends; -1 if a quote is never closed, which swallows the rest of the page. */
function readAttributes(html: string, start: number): [Map<string, string>, number] {
  const attributes = new Map<string, string>();
  let at = start;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(html);
    if (match === null) break;
    at = UNCLOSED.lastIndex = ATTRIBUTE.lastIndex;
    if (UNCLOSED.test(html)) return [attributes, -1];
    const [, name = "", double, single, bare] = match;
    const key = name.toLowerCase();
    // The first of two attributes with the same name counts.
    if (!attributes.has(key)) attributes.set(key, xhtmlUnescape(double ?? single ?? bare ?? ""));
    // A lone "=" has no meaning.
    while (html[at] === "=") at += 1;
  }
  return [attributes, at];
}

function endOfText(html: string, name: string, start: number): number {
  const end = new RegExp(`</${name}`, "gi");
  end.lastIndex = start;
  return end.exec(html)?.index ?? -1;
}
