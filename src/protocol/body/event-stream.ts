/**
 * The format of Server-Sent Events (WHATWG HTML §9.2.5 and §9.2.6): blocks of lines `field: value` that end
 * with an empty line.
 *
 *     retry: 3000               how long a client waits before it connects again
 *     id: 17                    comes back as Last-Event-ID then
 *     event: price              the type; "message" unless it is said
 *     data: first line
 *     data: second line
 *     : a comment, which clients ignore
 *
 * A value ends with its line. Data and comments are split into lines; a line feed in a type or an id would
 * end the field, and so let values make fields, so it is refused.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { jsonEncode } from "../../base/escape.js";
import { checkInteger, checkString } from "../../base/validate.js";

/** An event for a browser's `EventSource`. */
export interface ServerSentEvent {
  /** What the event says: text as it is, anything else as JSON. Default none: clients then fire no event. */
  readonly data?: unknown;
  /** The type, for `addEventListener()`. Default `message`. */
  readonly event?: string | undefined;
  /** What the client sends as `Last-Event-ID` when it connects again. Default that of the event before. */
  readonly id?: string | number | undefined;
  /** From now on the client waits as many milliseconds before it connects again. Default its own choice. */
  readonly retry?: number | undefined;
  /** A note that clients ignore. Default none. */
  readonly comment?: string | undefined;
}

/** An event in its format, for sending it to many clients; made by {@link encodeEvent}. */
export class EncodedEvent {
  /** The block of lines, with the empty one. */
  readonly text: string;

  /** @internal */
  constructor(text: string) {
    this.text = text;
  }
}

const MEMBERS: ReadonlySet<string> = new Set(["data", "event", "id", "retry", "comment"]);
const LINE_END = /\r\n|[\r\n]/;

function lines(prefix: string, text: string): string {
  if (!/[\r\n]/.test(text)) return `${prefix}${text}\n`;
  return text
    .split(LINE_END)
    .map((line) => `${prefix}${line}\n`)
    .join("");
}

/** The text of a field that has one line. */
function oneLine(name: string, value: string): string {
  if (!/[\r\n\0]/.test(value)) return value;
  throw new InvalidArgumentError(
    `${name} of an event must not contain CR, LF or NUL, got ${JSON.stringify(value.slice(0, 80))}`,
  );
}

function dataLines(data: unknown): string {
  // JSON has no line ends of its own.
  return typeof data === "string" ? lines("data: ", data) : `data: ${jsonEncode(data)}\n`;
}

function textOf(event: ServerSentEvent | string): string {
  if (typeof event === "string") return `${lines("data: ", event)}\n`;
  if (typeof event !== "object" || event === null)
    throw new InvalidArgumentError(
      `an event is text or an object with data, got ${event === null ? "null" : typeof event}`,
    );
  for (const name of Object.keys(event)) {
    if (MEMBERS.has(name)) continue;
    throw new InvalidArgumentError(`an event has no ${name}; it has ${[...MEMBERS].join(", ")}`);
  }
  const { data, event: type, id, retry, comment } = event;
  let text = "";
  if (comment !== undefined) text += lines(": ", checkString("comment", comment));
  if (retry !== undefined) text += `retry: ${checkInteger("retry", retry, { min: 0 })}\n`;
  if (id !== undefined)
    text += `id: ${oneLine("the id", typeof id === "number" ? String(id) : checkString("id", id))}\n`;
  if (type !== undefined) text += `event: ${oneLine("the type", checkString("event", type))}\n`;
  if (data !== undefined) text += dataLines(data);
  return `${text}\n`;
}

/**
 * Puts an event into its format; a string is its data. To send one event to many clients, encode it once.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for CR, LF or NUL in a type or an id, for a
 * `retry` that is not a number of milliseconds, for an unknown member, and for data that JSON cannot express.
 */
export function encodeEvent(event: ServerSentEvent | string): EncodedEvent {
  return new EncodedEvent(textOf(event));
}
