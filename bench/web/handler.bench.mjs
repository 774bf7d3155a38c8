// node bench/web/handler.bench.mjs: what a RequestHandler adds to a request, without a socket: routing, the request
// object, the handler, entity tag and headers. Beside it the pieces which have a plain twin. Build first: npm run build.
import { createHash } from "node:crypto";
import { HTTPServerRequest } from "../../dist/http/request.js";
import { PathMatches } from "../../dist/http/routing/matchers.js";
import { RouteIndex } from "../../dist/http/routing/route-index.js";
import { HTTPHeaders } from "../../dist/protocol/fields/headers.js";
import { etagOf } from "../../dist/web/handler/etag.js";
import { Application, RequestHandler } from "../../dist/web.js";
import { measure } from "../protocol/measure.mjs";

const N = 1000;
const FIELDS = ["Host", "localhost:8888", "User-Agent", "bench", "Accept", "*/*"];

class Hello extends RequestHandler {
  get() {
    this.write("Hello, world");
  }
}

class AsyncHello extends RequestHandler {
  async get() {
    this.write("Hello, world");
  }
}

/** Takes a response and forgets it. */
class Sink {
  context = { remoteIp: "127.0.0.1", protocol: "http" };
  requestHead = {};
  bytes = 0;
  respond(_startLine, headers, body) {
    this.bytes += headers.toRaw().length + body.length;
  }
}

function ask(app, path) {
  const sink = new Sink();
  const delegate = app.startRequest({}, sink);
  delegate.headersReceived({ method: "GET", path, version: "HTTP/1.1" }, HTTPHeaders.fromRaw(FIELDS));
  delegate.finish();
  return sink;
}

const routes = [
  ["/", Hello],
  ["/async", AsyncHello],
  ["/story/([0-9]+)", Hello],
  ["/user/:name", Hello],
];
const few = new Application(routes);
const many = new Application([
  ...Array.from({ length: 1000 }, (_, i) => [`/resource${i}/:id`, Hello]),
  ...routes,
]);

for (const [name, app, path] of [
  ["hello", few, "/"],
  ["hello, async", few, "/async"],
  ["a group of a regular expression", few, "/story/12"],
  ["a parameter of a template", few, "/user/bob"],
  ["hello behind a thousand routes", many, "/"],
  ["a parameter behind a thousand routes", many, "/user/bob"],
]) {
  measure(name, N, () => {
    let last;
    for (let i = 0; i < N; i++) last = ask(app, path);
    return last;
  });
}

const matchers = Array.from({ length: 1000 }, (_, i) => new PathMatches(`/resource${i}/:id`));
const index = new RouteIndex(matchers.map((m) => ({ prefix: m.literalPrefix, exact: m.matchesPrefixOnly })));
const request = new HTTPServerRequest({ method: "GET", uri: "/resource777/5", host: "x" });

measure("find one of a thousand routes by the index", N, () => {
  let last;
  for (let i = 0; i < N; i++) {
    for (const number of index.candidates(request.path)) last = matchers[number].match(request);
  }
  return last;
});

measure("the same by asking all in turn", 10, () => {
  let last;
  for (let i = 0; i < 10; i++) last = matchers.find((matcher) => matcher.match(request) !== undefined);
  return last;
});

measure("entity tag of a small text, seen before", N, () => {
  let last;
  for (let i = 0; i < N; i++) last = etagOf("Hello, world");
  return last;
});

measure("the same with a hash each time", N, () => {
  let last;
  for (let i = 0; i < N; i++) last = `"${createHash("sha1").update("Hello, world").digest("hex")}"`;
  return last;
});
