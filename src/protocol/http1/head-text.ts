/** Cutting the strings out of a decoded header block. */

import { trimWhitespace } from "../fields/abnf.js";
import type { RawFields } from "../fields/raw-fields.js";
import type { FieldFacts } from "./framing.js";
import { FIRST_FIELD_MARK, type HeadScanner, MARKS_PER_FIELD } from "./head-scanner.js";

/** The fields as a flat array; each is also noted in `facts`, if given. */
export function cutFields(scanner: HeadScanner, facts: FieldFacts | undefined): RawFields {
  const { text, marks, fieldCount } = scanner;
  // An array of the right size at once: filling it costs two thirds of pushing.
  const fields = new Array<string>(2 * fieldCount);
  let mark = FIRST_FIELD_MARK;
  for (let i = 0; i < fieldCount; i++) {
    const name = text.slice(marks[mark]!, marks[mark + 1]!);
    let value = text.slice(marks[mark + 2]!, marks[mark + 3]!);
    if (scanner.folded) value = unfold(value);
    fields[2 * i] = name;
    fields[2 * i + 1] = value;
    if (facts !== undefined) facts.note(name, value);
    mark += MARKS_PER_FIELD;
  }
  return fields;
}

/**
 * A value without its folds: each becomes one space (RFC 9112 §5.2). Linear, which a pattern for it is not.
 */
function unfold(value: string): string {
  return trimWhitespace(value.split("\r\n").map(trimWhitespace).join(" "));
}
