// node bench/web/values.bench.mjs: what handlers do with values, without a socket: signed cookies, XSRF tokens, JSON, gzip of a
// stream, a page from a template; beside them the same values in Tornado. Build first: npm run build.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { HTTPHeaders } from "../../dist/protocol/fields/headers.js";
import { DictLoader } from "../../dist/template.js";
import { decodeXsrfToken } from "../../dist/web/handler/xsrf.js";
import { Application, createSignedValue, decodeSignedValue, RequestHandler } from "../../dist/web.js";
import { measure } from "../protocol/measure.mjs";

const N = 1000;
const SECRET = "a secret of thirty-two bytes and more";
const COOKIE = createSignedValue(SECRET, "user", "ada@example.org").toString();

measure("create a signed cookie", N, () => {
  let last;
  for (let i = 0; i < N; i++) last = createSignedValue(SECRET, "user", "ada@example.org");
  return last;
});
measure("decode it", N, () => {
  let last;
  for (let i = 0; i < N; i++) last = decodeSignedValue(SECRET, "user", COOKIE);
  return last;
});
measure("refuse a forged one", N, () => {
  let last;
  const forged = `${COOKIE.slice(0, -1)}x`;
  for (let i = 0; i < N; i++) last = decodeSignedValue(SECRET, "user", forged);
  return last;
});

const XSRF = "2|01020304|0103010705070503090b090f0d0f0d0b|1500000000";
measure("take an XSRF token apart", N, () => {
  let last;
  for (let i = 0; i < N; i++) last = decodeXsrfToken(XSRF, 0);
  return last;
});

/** Takes a response and forgets it. */
class Sink {
  context = { remoteIp: "127.0.0.1", protocol: "http" };
  requestHead = {};
  bytes = 0;
  respond(_startLine, headers, body) {
    this.bytes += headers.toRaw().length + (body?.length ?? 0);
    this.done?.();
  }
  writeHeaders(_startLine, headers, body) {
    this.bytes += headers.toRaw().length + (body?.length ?? 0);
    return Promise.resolve();
  }
  write(chunk) {
    this.bytes += chunk.length;
    return Promise.resolve();
  }
  finish() {
    this.done?.();
  }
}

/** One request to a handler that answers at once. */
function ask(app, fields, method = "GET") {
  const sink = new Sink();
  const delegate = app.startRequest({}, sink);
  delegate.headersReceived({ method, path: "/", version: "HTTP/1.1" }, HTTPHeaders.fromRaw(fields));
  delegate.finish();
  return sink;
}

const HOST = ["Host", "localhost"];
const ROWS = Array.from({ length: 50 }, (_, i) => ({ id: i, name: `name ${i}`, tags: ["a", "b"] }));

class Plain extends RequestHandler {
  get() {
    this.write("Hello, world");
  }
  post() {
    this.write("Hello, world");
  }
}
class Json extends RequestHandler {
  get() {
    this.write({ rows: ROWS });
  }
}
class Page extends RequestHandler {
  get() {
    this.render("page.html", { rows: ROWS });
  }
}

const plain = new Application([["/", Plain]]);
const checked = new Application([["/", Plain]], { xsrfCookies: true });
const json = new Application([["/", Json]]);
const page = new Application([["/", Page]], {
  templateLoader: new DictLoader({ "page.html": "{% for row of rows %}<p>{{ row.name }}</p>{% end %}" }),
});
const TOKEN = [...HOST, "Cookie", `_xsrf=${XSRF}`, "X-Xsrftoken", XSRF];
for (const [name, app, fields, method] of [
  ["a POST of nothing", plain, HOST, "POST"],
  ["the same with its XSRF token checked", checked, TOKEN, "POST"],
  ["write() of 50 objects as JSON", json, HOST, "GET"],
  ["render() of a page with 50 rows", page, HOST, "GET"],
]) {
  measure(name, 100, () => {
    let last;
    for (let i = 0; i < 100; i++) last = ask(app, fields, method);
    return last;
  });
}
const text = JSON.stringify({ rows: ROWS });
measure("JSON.stringify of the same 50 objects", 100, () => {
  let last;
  for (let i = 0; i < 100; i++) last = JSON.stringify({ rows: ROWS });
  return last;
});

// A response of 16 pieces of 64 KiB, flushed each, through GZipContentEncoding; beside it zlib in one call.
const PIECE = Buffer.from(text.repeat(Math.ceil(65_536 / text.length)).slice(0, 65_536));
class Streamed extends RequestHandler {
  async get() {
    this.setHeader("Content-Type", "application/json");
    for (let i = 0; i < 16; i++) {
      this.write(PIECE);
      await this.flush();
    }
  }
}
const compressed = new Application([["/", Streamed]], { compressResponse: true });
async function milliseconds(name, work) {
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const started = process.hrtime.bigint();
    await work();
    best = Math.min(best, Number(process.hrtime.bigint() - started) / 1e6);
  }
  console.log(`${best.toFixed(1).padStart(9)} ms  ${name}`);
}
await milliseconds("1 MiB in 16 pieces through gzip", () => {
  const sink = ask(compressed, [...HOST, "Accept-Encoding", "gzip"]);
  return new Promise((resolve) => {
    sink.done = resolve;
  });
});
await milliseconds("the same by gzipSync in one call", () => gzipSync(Buffer.concat(Array(16).fill(PIECE))));

// The same values in Debian's python3-tornado, if it is there.
const tornado = spawnSync(
  "/usr/bin/python3",
  [fileURLToPath(new URL("tornado-values.py", import.meta.url))],
  {
    encoding: "utf8",
  },
);
if (tornado.status === 0) {
  for (const [name, nanoseconds] of Object.entries(JSON.parse(tornado.stdout)))
    console.log(`${nanoseconds.toFixed(0).padStart(9)} ns  Tornado: ${name}`);
}
