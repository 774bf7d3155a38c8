/**
 * The page that shows an error to the person who is working on the program: `serveTraceback`, which `debug`
 * switches on.
 *
 * A browser gets HTML: the error and its causes, each frame with the lines of the source around it, and the
 * request. Frames of libraries and of the platform are folded. Everything else (curl, a test, a script) gets
 * the stack as text, as in Tornado. Nothing on the page is loaded from anywhere, and everything that came
 * from outside is escaped.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isForeignFile } from "../../base/call-site.js";
import { xhtmlEscape } from "../../base/escape.js";
import { ParseError } from "../../text/template/errors.js";
import { templateErrorLocation } from "../../text/template/stack-trace.js";
import type { Handler } from "../types.js";
import { fitsType, preferred } from "./negotiate.js";

/** Lines of source that are shown before and after the one at fault. */
const AROUND = 5;
const MAX_FRAMES = 50;
/** Errors that led to an error, and so on. */
const MAX_CAUSES = 8;
/** Fields whose values are worth more than a look at the page. */
const SECRET_FIELD = /^(?:cookie|authorization|proxy-authorization|x-xsrftoken|x-csrftoken)$/i;

interface Frame {
  /** The line of the stack as it was. */
  readonly text: string;
  readonly file: string | undefined;
  readonly line: number;
  /** True for the program's own code, which is shown open. */
  readonly own: boolean;
}

/** True if the request comes from a browser: it prefers HTML to text. */
export function wantsHtml(handler: Handler): boolean {
  const accepted = handler.request.headers.get("Accept");
  return accepted !== undefined && preferred(accepted, ["text/plain", "text/html"], fitsType) === "text/html";
}

function frameOf(text: string): Frame | undefined {
  const match = /^\s+at (?:.*\()?((?:file:\/\/)?\/?[^()\s][^()]*?):(\d+):\d+\)?$/.exec(text);
  if (!/^\s+at /.test(text)) return undefined;
  const url = match?.[1];
  const own = url !== undefined && isForeignFile(url) && !url.includes("/node_modules/");
  return {
    text: text.trim(),
    file: url === undefined ? undefined : pathOf(url),
    line: Number(match?.[2] ?? 0),
    own,
  };
}

function pathOf(url: string): string | undefined {
  if (url.startsWith("/")) return url;
  try {
    return url.startsWith("file:") ? fileURLToPath(url) : undefined;
  } catch {
    return undefined;
  }
}

/** The lines around a place; nothing if the file cannot be read. */
function sourceAround({ file, line }: Frame): string {
  if (file === undefined || line < 1) return "";
  let lines: string[];
  try {
    lines = readFileSync(file, "utf8").split("\n");
  } catch {
    return "";
  }
  const first = Math.max(0, line - 1 - AROUND);
  const shown = lines.slice(first, line + AROUND).map((text, index) => {
    const number = first + index + 1;
    const row = `<span class="n">${number}</span> ${xhtmlEscape(text.slice(0, 400))}`;
    return number === line ? `<mark>${row}</mark>` : row;
  });
  return `<pre class="source">${shown.join("\n")}</pre>`;
}

function frameHtml(frame: Frame): string {
  const source = sourceAround(frame);
  const title = `<code>${xhtmlEscape(frame.text)}</code>`;
  if (source === "") return `<li class="bare">${title}</li>`;
  return `<li><details${frame.own ? " open" : ""}><summary>${title}</summary>${source}</details></li>`;
}

/** The line of a template that is at fault; nothing for other errors. */
function templateHtml(error: Error): string {
  const place = error instanceof ParseError ? error : templateErrorLocation(error);
  if (place?.filename === undefined || place.lineno < 1) return "";
  const title = `<p>Template <code>${xhtmlEscape(place.filename)}, line ${place.lineno}</code></p>`;
  if (place.sourceLine === undefined) return title;
  const line = xhtmlEscape(place.sourceLine.slice(0, 400));
  return `${title}<pre class="source"><mark><span class="n">${place.lineno}</span> ${line}</mark></pre>`;
}

function errorHtml(error: Error, heading: string): string {
  const lines = (error.stack ?? String(error)).split("\n");
  const frames = lines.map(frameOf).filter((frame): frame is Frame => frame !== undefined);
  const message = lines.filter((line) => frameOf(line) === undefined).join("\n");
  const items = frames.slice(0, MAX_FRAMES).map(frameHtml).join("");
  const shown = `<pre class="message">${xhtmlEscape(message)}</pre>${templateHtml(error)}`;
  return `<section>${heading}${shown}<ol>${items}</ol></section>`;
}

/** The error, what led to it, and so on. */
function errorsHtml(error: Error): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    parts.push(errorHtml(current, depth === 0 ? "" : "<h2>Caused by</h2>"));
    current = current.cause;
  }
  return parts.join("");
}

function rows(entries: Iterable<readonly [string, string]>): string {
  return [...entries]
    .map(([name, value]) => `<tr><th>${xhtmlEscape(name)}</th><td>${xhtmlEscape(value)}</td></tr>`)
    .join("");
}

function requestHtml({ request }: Handler): string {
  const fields = [...request.headers.getAll()].map(
    ([name, value]) => [name, SECRET_FIELD.test(name) ? "(not shown)" : value] as const,
  );
  const facts: [string, string][] = [
    ["method", request.method],
    ["uri", request.uri],
    ["version", request.version],
    ["remoteIp", request.remoteIp],
    ["body", `${request.body.length} bytes`],
  ];
  return `<h2>Request</h2><table>${rows(facts)}</table><h2>Header fields</h2><table>${rows(fields)}</table>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem }
h1 { font-size: 1.25rem; margin: 0 0 .5rem } h2 { font-size: 1rem; margin: 1.5rem 0 .25rem }
pre, code { font: .85rem/1.5 ui-monospace, monospace } pre { overflow-x: auto; margin: .25rem 0 }
.message { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 1rem; font-weight: 600; color: #b3261e }
ol { list-style: none; padding: 0 } li { border-top: 1px solid #8884; padding: .4rem 0 } summary { cursor: pointer }
code { overflow-wrap: anywhere } .bare { opacity: .65 } .source { background: #8881; padding: .5rem } .n { opacity: .5 }
mark { display: inline-block; min-width: 100%; background: #f4433633; color: inherit }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 400; opacity: .7; width: 12rem }
th, td { vertical-align: top; padding: .15rem .5rem .15rem 0; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { .message { color: #ff8a80 } }`;

/** The page for an error, as HTML. */
export function tracebackHtml(handler: Handler, title: string, error: Error): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${xhtmlEscape(title)}</title>`;
  return (
    `<!doctype html><html lang="en"><head>${head}<style>${STYLE}</style></head><body><h1>${xhtmlEscape(title)}</h1>` +
    `${errorsHtml(error)}${requestHtml(handler)}</body></html>\n`
  );
}

/** The stack of an error and of its causes, as text. */
export function tracebackText(error: Error): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    parts.push(`${depth === 0 ? "" : "caused by: "}${current.stack ?? String(current)}\n`);
    current = current.cause;
  }
  return parts.join("");
}
