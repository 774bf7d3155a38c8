// node bench/protocol/forms.bench.mjs: queries, cookies, parameters, dates and multipart bodies, beside Node's own where
// there is one. Build first: npm run build.
import { parse as parseQuerystring } from "node:querystring";
import { parseUrlencoded } from "../../dist/protocol/body/form.js";
import { parseMultipartFormData } from "../../dist/protocol/body/multipart.js";
import { formatSetCookie, parseCookie } from "../../dist/protocol/fields/cookie.js";
import { httpDate, parseDate } from "../../dist/protocol/fields/date.js";
import { parseParameters } from "../../dist/protocol/fields/parameters.js";
import { measure } from "./measure.mjs";

const QUERY = "q=some+words&page=2&sort=name&filter%5B%5D=a&filter%5B%5D=b%20c";
const COOKIE = 'session=2|1:0|10:1700000000|4:user|8:YWxpY2U=|abcdef0123456789; theme=dark; note="a b\\"c"';
const PART =
  '--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n';
const MULTIPART = Buffer.concat([
  Buffer.from(PART),
  Buffer.alloc(1 << 20, "x\r\n-"),
  Buffer.from("\r\n--B--\r\n"),
]);
const N = 1000;
const times = (body) => () => {
  let last;
  for (let i = 0; i < N; i++) last = body(i);
  return last;
};

measure(
  "parseUrlencoded() of five arguments",
  N,
  times(() => parseUrlencoded(QUERY)),
);
measure(
  "node:querystring of the same",
  N,
  times(() => parseQuerystring(QUERY)),
);
measure(
  "parseCookie() of three cookies",
  N,
  times(() => parseCookie(COOKIE)),
);
measure(
  "formatSetCookie() with four attributes",
  N,
  times(() =>
    formatSetCookie("session", "abc", { path: "/", httpOnly: true, secure: true, sameSite: "Lax" }),
  ),
);
measure(
  "parseParameters() of a Content-Disposition",
  N,
  times(() => parseParameters('form-data; name="file"; filename="a.txt"')),
);
measure(
  "httpDate(), the second known",
  N,
  times((i) => httpDate(1_700_000_000_000 + (i % 900))),
);
measure(
  "parseDate() of an IMF-fixdate",
  N,
  times(() => parseDate("Sun, 06 Nov 1994 08:49:37 GMT", 0)),
);
measure("a multipart body with a file of 1 MiB that is full of line ends", 1, () => {
  const files = Object.create(null);
  parseMultipartFormData("B", MULTIPART, Object.create(null), files);
  return files;
});
