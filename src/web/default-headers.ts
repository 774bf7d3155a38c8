/** The header fields that every response begins with: Server, Content-Type, Date. */
import { IOLoop } from "../async/ioloop.js";
import { version } from "../base/version.js";
import { httpDate } from "../protocol/fields/date.js";
import { HTTPHeaders } from "../protocol/fields/headers.js";
import type { HandlerApplication } from "./types.js";

const SERVER = `squall/${version}`;

/** New headers with the defaults in place. */
export function defaultHeaders(application: HandlerApplication): HTTPHeaders {
  const headers = new HTTPHeaders();
  const { serverHeader } = application.settings;
  if (serverHeader === undefined) headers.addTrusted("Server", SERVER);
  else if (serverHeader !== false) headers.set("Server", serverHeader);
  headers.addTrusted("Content-Type", "text/html; charset=UTF-8");
  headers.addTrusted("Date", httpDate(IOLoop.current().wallTime()));
  return headers;
}
