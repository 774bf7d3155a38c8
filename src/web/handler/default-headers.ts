/** The header fields that every response begins with: Server, Content-Type, Date. */
import { IOLoop } from "../../async/ioloop.js";
import { version } from "../../base/version.js";
import { httpDate } from "../../protocol/fields/date.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { HandlerApplication } from "../types.js";

const SERVER = `squall/${version}`;

// The last date, the loop whose clock it is by, and between which of its monotonic times it holds.
let date = "";
let dateLoop: IOLoop | undefined;
let dateFrom = 0;
let dateUntil = 0;

/**
 * The Date of a response to a request that arrived at `time`, in the loop's monotonic milliseconds. The wall clock is
 * read once in a second; a jump of it is seen within that.
 */
function dateAt(time: number): string {
  const loop = IOLoop.current();
  if (loop === dateLoop && time >= dateFrom && time < dateUntil) return date;
  const wall = loop.wallTime();
  const now = loop.time();
  date = httpDate(wall);
  dateLoop = loop;
  dateFrom = now;
  dateUntil = now + 1000 - (((wall % 1000) + 1000) % 1000);
  return date;
}

/** New headers with the defaults in place, for a request that arrived at `time`. */
export function defaultHeaders(application: HandlerApplication, time: number): HTTPHeaders {
  const headers = new HTTPHeaders();
  const { serverHeader } = application.settings;
  if (serverHeader === undefined) headers.addTrusted("Server", SERVER);
  else if (serverHeader !== false) headers.set("Server", serverHeader);
  headers.addTrusted("Content-Type", "text/html; charset=UTF-8");
  headers.addTrusted("Date", dateAt(time));
  return headers;
}
