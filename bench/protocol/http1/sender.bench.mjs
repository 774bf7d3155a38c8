// node bench/protocol/http1/sender.bench.mjs: what it costs to make the bytes of a message, up to the call of
// send(). Reading a character makes V8 join the string, as writing it to a socket would. Build first: npm run build.
import { HTTP1Sender } from "../../../dist/protocol/http1/sender.js";
import { measure } from "../measure.mjs";

const N = 1000;
let seen = 0;
const sender = new HTTP1Sender({
  send(data) {
    seen += typeof data === "string" ? data.charCodeAt(0) : data[0];
    return true;
  },
});
const times = (body) => () => {
  for (let i = 0; i < N; i++) body();
  return seen;
};

const OK = { version: "HTTP/1.1", code: 200, reason: "OK" };
const FIELDS = [
  ...["Server", "squall/0.1.0", "Content-Type", "text/html; charset=UTF-8"],
  ...["Date", "Sun, 22 Nov 2026 09:16:00 GMT", "Etag", '"e02aa1b106d5c7c6a98def2b13005d5b84fd8dc8"'],
];
const CONTEXT = { method: "GET", version: "HTTP/1.1", keepAlive: true };
const TEXT = "Hello, world";
const BYTES = Buffer.from(TEXT);

measure(
  "respond(), 4 fields, 12 bytes of text",
  N,
  times(() => sender.respond(OK, FIELDS, CONTEXT, TEXT)),
);
measure(
  "respond(), 4 fields, 12 bytes",
  N,
  times(() => sender.respond(OK, FIELDS, CONTEXT, BYTES)),
);
measure(
  "respond(), 4 fields, text with an umlaut",
  N,
  times(() => sender.respond(OK, FIELDS, CONTEXT, "Hällo, world")),
);
const page = "<p>Hello</p>".repeat(800);
measure(
  `respond(), 4 fields, ${page.length} bytes of text`,
  N,
  times(() => sender.respond(OK, FIELDS, CONTEXT, page)),
);
const WITH_LENGTH = [...FIELDS, "Content-Length", "12"];
measure(
  "beginResponse() with Content-Length, end()",
  N,
  times(() => {
    sender.beginResponse(OK, WITH_LENGTH, CONTEXT, TEXT);
    sender.end();
  }),
);
measure(
  "beginResponse(), end(), chunked",
  N,
  times(() => {
    sender.beginResponse(OK, FIELDS, CONTEXT, TEXT);
    sender.end();
  }),
);
sender.beginResponse(OK, FIELDS, CONTEXT);
measure(
  "write() of a chunk of 12 bytes",
  N,
  times(() => sender.write(TEXT)),
);
