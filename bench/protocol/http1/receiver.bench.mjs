// node bench/protocol/http1/receiver.bench.mjs: what it costs to receive a message. Build first: npm run build.
// The last rows are a loop that only looks at each byte of the browser's head, which is the floor for any parser in
// JavaScript, and the costs that hostile input tries to raise.
import { HeadScanner } from "../../../dist/protocol/http1/head-scanner.js";
import { resolveHTTP1Limits } from "../../../dist/protocol/http1/limits.js";
import { HTTP1Receiver } from "../../../dist/protocol/http1/receiver.js";
import { measure } from "../measure.mjs";
import { BROWSER, POST, WRK } from "./heads.mjs";

const N = 1000;
const limits = resolveHTTP1Limits({ maxBodySize: Infinity });
let seen = 0;
const visitor = {
  onHead(head) {
    seen += head.fields.length;
  },
  onBody(chunk) {
    seen += chunk.length;
  },
  onEnd() {
    seen++;
  },
  onError(error) {
    throw error;
  },
};

const times = (body) => () => {
  for (let i = 0; i < N; i++) body();
  return seen;
};

const receiver = new HTTP1Receiver("server", limits, visitor);
for (const [name, bytes] of [
  ["wrk's head", WRK],
  ["a browser's head", BROWSER],
  ["a small POST", POST],
]) {
  measure(
    `${name}, ${bytes.length} bytes`,
    N,
    times(() => receiver.feed(bytes)),
  );
}
measure(
  "a browser's head in two pieces",
  N,
  times(() => {
    receiver.feed(BROWSER.subarray(0, 300));
    receiver.feed(BROWSER.subarray(300));
  }),
);

const sixteen = Buffer.concat(Array.from({ length: 16 }, () => WRK));
measure(
  "wrk's head, 16 pipelined, each",
  16 * N,
  times(() => receiver.feed(sixteen)),
);

const client = new HTTP1Receiver("client", limits, visitor);
const response = Buffer.from(
  "HTTP/1.1 200 OK\r\nServer: squall\r\nDate: Sun, 22 Nov 2026 09:16:00 GMT\r\nContent-Length: 12\r\n\r\nHello, world",
);
measure(
  `a response, ${response.length} bytes`,
  N,
  times(() => {
    client.expectResponse("GET");
    client.feed(response);
  }),
);

const scanner = new HeadScanner();
measure(
  "the scan alone of a browser's head",
  N,
  times(() => {
    scanner.begin("request", limits);
    seen += scanner.scan(BROWSER, 0, BROWSER.length);
  }),
);
const isLineEnd = new Uint8Array(256);
isLineEnd[10] = isLineEnd[13] = 1;
measure(
  "a loop over its bytes",
  N,
  times(() => {
    for (let at = 0; at < BROWSER.length; at++) {
      if (isLineEnd[BROWSER[at]] === 1) seen++;
    }
  }),
);

const chunked = new HTTP1Receiver("server", limits, visitor);
chunked.feed(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
const ones = Buffer.from("1\r\nx\r\n".repeat(10_000));
measure("a chunk of one octet", 10_000, () => {
  chunked.feed(ones);
  return seen;
});
const byteByByte = Array.from(BROWSER, (octet) => Buffer.from([octet]));
measure("a byte of a browser's head that comes alone", BROWSER.length, () => {
  for (const piece of byteByByte) receiver.feed(piece);
  return seen;
});
