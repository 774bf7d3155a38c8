import { testRules } from "../rule-examples.js";
import { rules } from "./wire-web.js";

type Fields = Readonly<Record<string, string>>;

interface Said {
  readonly body?: string;
  readonly fields?: Fields;
  readonly chunks?: readonly number[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** An example: a request, its fields and body, and the status and more of what Tornado answered. */
function given(line: string, fields: readonly string[], status: number, said: Said = {}, sent = "") {
  const request = [`${line} HTTP/1.1`, "Host: example.com", ...fields, "", sent].join("\r\n");
  const { body = "", chunks, settings = {} } = said;
  const headers = Object.entries(said.fields ?? {});
  const response = { status, reason: "", headers, body: Buffer.from(body), ...(chunks ? { chunks } : {}) };
  return {
    args: [[Buffer.from(request, "latin1")]],
    kwargs: { settings },
    result: { open: true, raw: null, responses: [response] },
  };
}

const packing = { compress_response: true };
const HTML = { "Content-Type": "text/html; charset=UTF-8" };
const TEXT = { "Content-Type": "text/plain" };
const JSON_TYPE = { "Content-Type": "application/json; charset=UTF-8" };
const HELLO = "Hello, static world!\n";
const file = "GET /static/hello.txt";
const part: Said = { body: "Hello", fields: { ...TEXT, Etag: '"tag"', "Content-Range": "bytes 0-4/21" } };
const modified = { "Last-Modified": "Sun, 13 Sep 2020 12:26:40 GMT" };
const LONG = "x".repeat(1500);
const gzip = "Accept-Encoding: gzip";
const GZIP: Fields = { ...TEXT, "Content-Encoding": "gzip", "Content-Length": "<GZIP>" };

testRules("wire-web", rules, {
  "wire-web/target-characters": {
    covers: [given("GET /nope/<x>", [], 404), given(`${file}#x`, [], 200, { body: HELLO })],
    leaves: [given("GET /nope/<x>", [], 400), given("GET /a|b", [], 404), given("GET /nope", [], 404)],
  },
  "wire-web/unknown-method": {
    covers: [given("FOO /", [], 405), given("get /nope", [], 405)],
    leaves: [given("FOO /", [], 501), given("PUT /", [], 405), given("PROPFIND /options", [], 200)],
  },
  "wire-web/allow": {
    covers: [
      given("PUT /", [], 405),
      given(`POST ${file.slice(4)}`, [], 405),
      given("GET /error/405", [], 405),
    ],
    leaves: [given("PUT /", [], 405, { fields: { Allow: "GET, POST" } }), given("GET /status/405", [], 405)],
  },
  "wire-web/identity-form": {
    covers: [given("POST /arg/body", ["Content-Encoding: identity", "Content-Length: 3"], 400, {}, "a=1")],
    leaves: [
      given("POST /arg/body", ["Content-Encoding: identity", "Content-Length: 3"], 200, { body: "1" }, "a=1"),
      given("POST /arg/body", ["Content-Encoding: gzip", "Content-Length: 3"], 400, {}, "a=1"),
    ],
  },
  "wire-web/cookie-lines": {
    covers: [given("GET /cookies/get", ["Cookie: a=1", "Cookie: b=2"], 200, { body: "1,b=2" })],
    leaves: [
      given("GET /cookies/get", ["Cookie: a=1", "Cookie: b=2"], 200, { body: "1" }),
      given("GET /cookies/get", ["Cookie: a=1,b=2"], 200, { body: "1,b=2" }),
    ],
  },
  "wire-web/clear-added-fields": {
    covers: [given("GET /headers/clear_added", [], 500)],
    leaves: [
      given("GET /headers/clear_added", [], 200, { body: "ok" }),
      given("GET /headers/newline", [], 500),
    ],
  },
  "wire-web/error-without-body": {
    covers: [given("GET /send_error/204", [], 500), given("GET /error/204", [], 500)],
    leaves: [given("GET /send_error/204", [], 204), given("GET /send_error/500", [], 500)],
  },
  "wire-web/reset-content-has-no-type": {
    covers: [
      given("GET /status/205", [], 205, { fields: HTML }),
      given("GET /status/205?body=x", [], 205, { body: "x", fields: HTML }),
      given("HEAD /status/205?body=x", [], 205, { fields: HTML }),
    ],
    leaves: [given("GET /status/205", [], 205), given("GET /status/206", [], 206, { fields: HTML })],
  },
  "wire-web/json-without-spaces": {
    covers: [
      given("GET /finish/dict", [], 200, { body: '{"a": 1}', fields: JSON_TYPE }),
      given("GET /json/dict", ["If-None-Match: *"], 304),
    ],
    leaves: [
      { ...given("GET /finish/dict", [], 200, { body: '{"a": 1}', fields: JSON_TYPE }), json: true },
      given("GET /finish/dict", [], 200, { body: '{"a":1}', fields: JSON_TYPE }),
      given("GET /text", [], 200, { body: '{"a": 1}', fields: HTML }),
      given("GET /static/data.json", [], 200, { body: '{"a": 1}', fields: JSON_TYPE }),
    ],
  },
  "wire-web/error-after-flush": {
    covers: [
      given("GET /redirect/flushed", [], 200, { body: "x", chunks: [1] }),
      given("HEAD /flush/error", [], 200),
    ],
    leaves: [
      given("GET /flush/three", [], 200, { body: "onetwothree", chunks: [3, 3, 5] }),
      given("HEAD /redirect/flushed", [], 405, { fields: { Allow: "GET, POST" } }),
    ],
  },
  "wire-web/location-is-a-uri": {
    covers: [
      given("GET /redirect/to?to=/a%20b", [], 302, { fields: { Location: "/a b" } }),
      given("GET /old/{0}", [], 301, { fields: { Location: "/new/{0}" } }),
      given("GET /old/a%3Fb", [], 301, { fields: { Location: "/new/a?b" } }),
      given("GET /old/a%0Ab", [], 500),
    ],
    leaves: [
      given("GET /redirect/to?to=/a%2520b", [], 302, { fields: { Location: "/a%20b" } }),
      given("GET /redirect/to?to=/{0}", [], 302, { fields: { Location: "/{0}" } }),
    ],
  },
  "wire-web/query-as-sent": {
    covers: [
      given("GET /dir/sub?x=1", [], 301, { fields: { Location: "/dir/sub/" } }),
      given("GET /old_temp?y", [], 302, { fields: { Location: "/new?x=1&y=" } }),
    ],
    leaves: [
      given("GET /dir/sub", [], 301, { fields: { Location: "/dir/sub/" } }),
      given("GET /dir/sub?x=1", [], 301, { fields: { Location: "/dir/sub/?x=1" } }),
    ],
  },
  "wire-web/range-is-for-get": {
    covers: [given("HEAD /static/hello.txt", ["Range: bytes=100-"], 416)],
    leaves: [
      given("HEAD /static/hello.txt", ["Range: bytes=0-4"], 200),
      given(file, ["Range: bytes=100-"], 416),
      given("HEAD /status/206", ["Range: bytes=0-4"], 206),
    ],
  },
  "wire-web/range-grammar": {
    covers: [
      given(file, ["Range: bytes=1"], 206, part),
      given(file, ["Range: bytes=+1-+3"], 206, part),
      given(file, ["Range: bytes=5-2"], 416),
      given(file, ["Range: BYTES=0-4"], 200, { body: HELLO, fields: TEXT }),
    ],
    leaves: [
      given(file, ["Range: bytes=1-"], 206, part),
      given(file, ["Range: bytes=-0"], 416),
      given(file, ["Range: bytes=1"], 200),
      given(file, ["Range: BYTES=0-"], 200, { body: HELLO, fields: TEXT }),
    ],
  },
  "wire-web/if-range": {
    covers: [
      given(file, ['If-Range: "x"', "Range: bytes=0-4"], 206, part),
      given(file, ['If-Range: W/"tag"', "Range: bytes=0-4"], 206, part),
    ],
    leaves: [
      given(file, ['If-Range: "tag"', "Range: bytes=0-4"], 206, part),
      given(file, [`If-Range: ${modified["Last-Modified"]}`, "Range: bytes=0-4"], 206, {
        ...part,
        fields: { ...part.fields, ...modified },
      }),
      given(file, ['If-Range: "x"', "Range: bytes=0-4"], 200, { body: HELLO, fields: TEXT }),
    ],
  },
  "wire-web/date-grammar": {
    covers: [
      given(file, ["If-Modified-Since: Sun, 13 Sep 2020 14:26:40 +0200"], 304),
      given(file, ["If-Modified-Since: Sun, 13 Sep 20 12:26:40 GMT"], 304),
    ],
    leaves: [
      given(file, ["If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304),
      given(file, ["If-Modified-Since: Sunday, 13-Sep-20 12:26:40 GMT"], 304),
      given(file, ["If-Modified-Since: Sun Sep 13 12:26:40 2020"], 304),
      given(file, ["If-Modified-Since: garbage"], 200),
    ],
  },
  "wire-web/tags-before-dates": {
    covers: [given(file, ["If-None-Match: ", "If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304)],
    leaves: [
      given(file, ["If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304),
      given(file, ["If-None-Match: *", "If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304),
    ],
  },
  "wire-web/if-none-match": {
    covers: [
      given("GET /etag/set", ['If-None-Match: "x", W/"mine"'], 200, { fields: { Etag: '"mine"' } }),
      given("HEAD /etag/set", ["If-None-Match: *"], 200, { fields: { Etag: '"mine"' } }),
      given("GET /etag/plain", ['If-None-Match: *, "x"'], 304, { fields: { Etag: '"mine"' } }),
    ],
    leaves: [
      given("GET /etag/set", ['If-None-Match: "other"'], 200, { fields: { Etag: '"mine"' } }),
      given("GET /etag/plain", ['If-None-Match: *, "mine"'], 304, { fields: { Etag: '"mine"' } }),
      given("GET /etag/set", ['If-None-Match: "x", *'], 200, { fields: { Etag: '"mine"' } }),
      given("POST /etag/set", ["If-None-Match: *"], 200, { fields: { Etag: '"mine"' } }),
      given("GET /flush/end", ["If-None-Match: *"], 200, { body: "body" }),
    ],
  },
  "wire-web/small-files-stay-plain": {
    covers: [
      given(file, [gzip], 200, { body: HELLO, fields: GZIP, settings: packing }),
      given("GET /static/big.txt", [gzip, "Range: bytes=1-1500"], 206, {
        body: LONG,
        fields: GZIP,
        settings: packing,
      }),
    ],
    leaves: [
      given(file, [gzip], 200, { body: HELLO, fields: TEXT, settings: packing }),
      given("GET /static/big.txt", [gzip], 200, { body: LONG, fields: GZIP, settings: packing }),
    ],
  },
  "wire-web/accept-encoding": {
    covers: [
      given("GET /gzip?n=1500", ["Accept-Encoding: GZIP"], 200, {
        body: LONG,
        fields: TEXT,
        settings: packing,
      }),
      given("GET /gzip?n=1500", ["Accept-Encoding: br"], 200, {
        body: LONG,
        fields: TEXT,
        settings: packing,
      }),
      given("GET /gzip?n=1500", ["Accept-Encoding: gzip;q=0"], 200, {
        body: LONG,
        fields: GZIP,
        settings: packing,
      }),
      given("GET /gzip?n=1500", [gzip], 200, {
        body: LONG,
        fields: { "Content-Type": "text/plain ;x" },
        settings: packing,
      }),
    ],
    leaves: [
      given("GET /gzip?n=1500", [gzip], 200, { body: LONG, fields: GZIP, settings: packing }),
      given("GET /gzip?n=1500", ["Accept-Encoding: gzip;q=0.5, br;q=0.5"], 200, {
        body: LONG,
        fields: GZIP,
        settings: packing,
      }),
      given("GET /gzip?n=10", ["Accept-Encoding: GZIP"], 200, { body: "x", fields: TEXT, settings: packing }),
      given("GET /gzip?n=1500", ["Accept-Encoding: GZIP"], 200, { body: LONG, fields: TEXT }),
    ],
  },
  "wire-web/weak-tag-of-coded": {
    covers: [
      given("GET /gzip", [gzip], 200, { body: LONG, fields: { ...GZIP, Etag: '"tag"' }, settings: packing }),
    ],
    leaves: [
      given("GET /gzip", [gzip], 200, {
        body: LONG,
        fields: { ...GZIP, Etag: 'W/"tag"' },
        settings: packing,
      }),
      given("GET /gzip", [], 200, { body: LONG, fields: { ...TEXT, Etag: '"tag"' }, settings: packing }),
    ],
  },
});
