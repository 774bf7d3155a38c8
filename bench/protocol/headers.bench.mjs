// node bench/protocol/headers.bench.mjs: what header fields cost per request and response, beside Node's own classes.
// The heads are those of a browser (12 fields) and of a small answer (5 fields). Build first: npm run build.
import { HTTPHeaders } from "../../dist/protocol/fields/headers.js";
import { measure } from "./measure.mjs";

const BROWSER = [
  ["Host", "localhost:8888"],
  ["Connection", "keep-alive"],
  ["Cache-Control", "max-age=0"],
  ["sec-ch-ua", '"Chromium";v="130", "Not?A_Brand";v="99"'],
  ["sec-ch-ua-mobile", "?0"],
  ["Upgrade-Insecure-Requests", "1"],
  [
    "User-Agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  ],
  ["Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"],
  ["Sec-Fetch-Site", "none"],
  ["Accept-Encoding", "gzip, deflate, br"],
  ["Accept-Language", "en-US,en;q=0.9"],
  ["Cookie", "session=0123456789abcdef; theme=dark"],
];
const RAW = BROWSER.flat();
const N = 1000;
const times = (body) => () => {
  let last;
  for (let i = 0; i < N; i++) last = body(i);
  return last;
};

measure(
  "fromRaw() of 12 fields, nothing asked",
  N,
  times(() => HTTPHeaders.fromRaw(RAW)),
);
measure(
  "fromRaw() of 12 fields, three look-ups",
  N,
  times(() => {
    const headers = HTTPHeaders.fromRaw(RAW);
    return headers.get("If-None-Match") ?? headers.get("Cookie") ?? headers.get("Accept-Encoding");
  }),
);
measure(
  "global Headers of 12 fields, three look-ups",
  N,
  times(() => {
    const headers = new Headers(BROWSER);
    return headers.get("If-None-Match") ?? headers.get("Cookie") ?? headers.get("Accept-Encoding");
  }),
  { milliseconds: 100 },
);
measure(
  "fromRaw() of 12 fields, all names normalised",
  N,
  times(() => HTTPHeaders.fromRaw(RAW).toRaw()),
);
measure(
  "a response's 5 fields by setTrusted(), toRaw()",
  N,
  times((i) => {
    const headers = new HTTPHeaders();
    headers.setTrusted("Server", "squall");
    headers.setTrusted("Content-Type", "text/html; charset=UTF-8");
    headers.setTrusted("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    headers.setTrusted("Etag", '"0123456789abcdef0123456789abcdef01234567"');
    headers.setTrusted("Content-Length", String(i));
    return headers.toRaw();
  }),
);
measure(
  "the same by set(), which checks",
  N,
  times((i) => {
    const headers = new HTTPHeaders();
    headers.set("Server", "squall");
    headers.set("Content-Type", "text/html; charset=UTF-8");
    headers.set("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    headers.set("Etag", '"0123456789abcdef0123456789abcdef01234567"');
    headers.set("Content-Length", String(i));
    return headers.toRaw();
  }),
);
const many = new HTTPHeaders();
for (let i = 0; i < 100; i++) many.add(`X-Field-${i}`, "x");
measure(
  "a look-up among 100 fields, through the index",
  N,
  times((i) => many.get(`x-field-${i % 100}`)),
);
