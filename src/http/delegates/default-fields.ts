/**
 * The header fields that every response of a server begins with: those of handlers, error pages, a router's
 * 404 and the connection's own error responses. This is the one place to add another.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { version } from "../../base/version.js";
import { httpDate } from "../../protocol/fields/date.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";

/** What the `Server` field says by default. */
export const DEFAULT_SERVER_HEADER: string = `squall/${version}`;

/**
 * A new header block that begins with the default fields, as {@link addDefaultFields} writes them, and has
 * room for three more: an array that grows is copied, and gets sixteen places more than it needs.
 */
export function defaultFields(serverHeader: string | false, loop: IOLoop, time: number): HTTPHeaders {
  if (serverHeader !== DEFAULT_SERVER_HEADER) {
    const headers = new HTTPHeaders();
    addDefaultFields(headers, serverHeader, loop, time);
    return headers;
  }
  const fields = ["Server", DEFAULT_SERVER_HEADER, "Date", dateAt(loop, time), "", "", "", "", "", ""];
  // The places stay when what is in them goes.
  for (let i = 0; i < 6; i++) fields.pop();
  return HTTPHeaders.fromTrusted(fields);
}

/**
 * Adds the default fields to a header block without them: `Server`, unless it is false, and `Date` (RFC 9110
 * §6.6.1). `time` is the loop's monotonic time, as recent as the caller has it.
 */
export function addDefaultFields(
  headers: HTTPHeaders,
  serverHeader: string | false,
  loop: IOLoop,
  time: number,
): void {
  if (serverHeader === DEFAULT_SERVER_HEADER) headers.addTrusted("Server", DEFAULT_SERVER_HEADER);
  else if (serverHeader !== false) headers.set("Server", serverHeader);
  headers.addTrusted("Date", dateAt(loop, time));
}

// The last date, the loop whose clock it is by, and between which of its monotonic times it holds.
let date = "";
let dateLoop: IOLoop | undefined;
let dateFrom = 0;
let dateUntil = 0;

/** The wall clock is read once in a second; a jump of it is seen within that. */
function dateAt(loop: IOLoop, time: number): string {
  if (loop === dateLoop && time >= dateFrom && time < dateUntil) return date;
  const wall = loop.wallTime();
  const now = loop.time();
  date = httpDate(wall);
  dateLoop = loop;
  dateFrom = now;
  dateUntil = now + 1000 - (((wall % 1000) + 1000) % 1000);
  return date;
}
