/** A second opinion on forms: what an echo shows of them. See `head.ts`. */
import { esc } from "../apps/wire.js";

/** What a body is as a form. */
export type Form =
  | { readonly kind: "none" }
  /** No form of the type that it claims to be: 400. */
  | { readonly kind: "bad" }
  /** The lines `body_arg:…` and `file:…`, sorted. */
  | { readonly kind: "form"; readonly lines: readonly string[] }
  /** Another family decides; 200 and 400 are both fine here. */
  | { readonly kind: "unknown" };

const BAD: Form = { kind: "bad" };
const UNKNOWN: Form = { kind: "unknown" };

/** Type and subtype in lower case. */
export function mediaType(contentType: string): string {
  return contentType.split(";", 1)[0]!.trim().toLowerCase();
}

const show = (text: string) => esc(Buffer.from(text, "latin1"));

/** Reads a body of this Content-Type; both are latin1 text. */
export function readForm(contentType: string, content: string): Form {
  const type = mediaType(contentType);
  if (type === "application/x-www-form-urlencoded") return readUrlencoded(content);
  return type === "multipart/form-data" ? readMultipart(contentType, content) : { kind: "none" };
}

function readUrlencoded(content: string): Form {
  const decode = (text: string) =>
    text
      .replaceAll("+", " ")
      .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const lines = content
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name, ...value] = pair.split("=");
      return `body_arg:${show(decode(name!))}=${show(decode(value.join("=")))}`;
    });
  // Names that are no UTF-8 are shown in ways of their own.
  if (/[\x80-\xff]|%[89A-Fa-f]/.test(content)) return UNKNOWN;
  return { kind: "form", lines: lines.sort() };
}

/** RFC 2046 §5.1.1: delimiters are whole lines; what stands before the first and after the last is ignored. */
function readMultipart(contentType: string, content: string): Form {
  const given = contentType
    .split(";")
    .map((piece) => /^\s*boundary=([^ \t].*)$/i.exec(piece)?.[1]?.trim())
    .find((piece) => piece !== undefined);
  if (given === undefined) return BAD;
  const boundary = given.replace(/^"(.*)"$/, "$1");
  if (!/^[0-9A-Za-z]{1,70}$/.test(boundary)) return UNKNOWN;
  const text = `\r\n${content}`;
  const delimiters = [...text.matchAll(new RegExp(`\\r\\n--${boundary}(?:(--)|[ \\t]*(?=\\r\\n))`, "g"))];
  const last = delimiters.findIndex((match) => match[1] !== undefined);
  if (last === -1) return BAD;
  const lines: string[] = [];
  for (let i = 0; i < last; i++) {
    const start = delimiters[i]!.index + delimiters[i]![0].length + 2;
    const part = text.slice(start, delimiters[i + 1]!.index);
    if (part === "") continue;
    const line = readPart(part);
    if (typeof line !== "string") return line;
    lines.push(line);
  }
  return { kind: "form", lines: lines.sort() };
}

/** What the echo shows of a part whose head is as browsers write it. */
function readPart(part: string): string | Form {
  const headEnd = part.indexOf("\r\n\r\n");
  if (headEnd === -1) return part.endsWith("\r\n") ? UNKNOWN : BAD;
  const fields = part
    .slice(0, headEnd)
    .split("\r\n")
    .map((line) => /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([ -~]*?)[ \t]*$/.exec(line));
  if (fields.includes(null)) return UNKNOWN;
  const fieldOf = (name: string) => fields.find((field) => field![1]!.toLowerCase() === name)?.[2];
  const disposition = /^form-data; name="([\w.]+)"(?:; filename="([\w.]+)")?$/.exec(
    fieldOf("content-disposition") ?? "",
  );
  if (disposition === null) return UNKNOWN;
  const [, name, filename] = disposition;
  const value = show(part.slice(headEnd + 4));
  if (filename === undefined) return `body_arg:${name}=${value}`;
  return `file:${name}=${filename};${show(fieldOf("content-type") ?? "application/unknown")};${value}`;
}
