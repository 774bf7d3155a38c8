/** Cutting the strings out of a decoded header block. */
import { equalsIgnoreCase } from "../../base/bytes.js";
import { trimWhitespace } from "../fields/abnf.js";
import type { RawFields } from "../fields/raw-fields.js";
import type { FieldFacts } from "./framing.js";
import { FIRST_FIELD_MARK, type HeadScanner, MARKS_PER_FIELD } from "./head-scanner.js";

/**
 * The fields as a flat array; each is also noted in `facts`, if given. Then a Content-Length that repeats
 * itself becomes one field with one value.
 */
export function cutFields(scanner: HeadScanner, facts: FieldFacts | undefined): RawFields {
  const { text, marks, fieldCount } = scanner;
  // An array of the right size at once: filling it costs two thirds of pushing.
  const fields = new Array<string>(2 * fieldCount);
  let mark = FIRST_FIELD_MARK;
  for (let i = 0; i < fieldCount; i++) {
    const name = cutName(text, marks[mark]!, marks[mark + 1]!);
    let value = text.slice(marks[mark + 2]!, marks[mark + 3]!);
    if (scanner.folded) value = unfold(value);
    fields[2 * i] = name;
    fields[2 * i + 1] = value;
    if (facts !== undefined) facts.note(name, value);
    mark += MARKS_PER_FIELD;
  }
  return facts?.lengthRepeats === true ? withOneLength(fields, facts.contentLength!) : fields;
}

/** A name; for the one that every request has, a constant, which costs no string. */
function cutName(text: string, start: number, end: number): string {
  return end - start === 4 && text.startsWith("Host", start) ? "Host" : text.slice(start, end);
}

/**
 * Equal repeats are accepted, but not passed on (RFC 9110 §8.6): what reads the fields behind the receiver,
 * such as a hosted application or the server behind a proxy, could make another length of them.
 */
function withOneLength(fields: RawFields, length: string): RawFields {
  const kept: string[] = [];
  let isFirst = true;
  for (let at = 0; at < fields.length; at += 2) {
    const isLength = equalsIgnoreCase(fields[at]!, "Content-Length");
    if (!isLength) kept.push(fields[at]!, fields[at + 1]!);
    else if (isFirst) kept.push(fields[at]!, length);
    if (isLength) isFirst = false;
  }
  return kept;
}

/**
 * A value without its folds: each becomes one space (RFC 9112 §5.2). Linear, which a pattern for it is not.
 */
function unfold(value: string): string {
  return trimWhitespace(value.split("\r\n").map(trimWhitespace).join(" "));
}
