import { testRules } from "../rule-examples.js";
import { rules } from "./httputil.js";

const B = Buffer.from("B");
const body = (text: string) => Buffer.from(text);
const PART = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n';
const refused = { error: { type: "HTTPInputError", contains: "" } };
const tooMany = { error: { type: "HTTPInputError", contains: "multipart/form-data has too many parts" } };

testRules("httputil", rules, {
  "httputil/one-line-end": {
    covers: [
      { args: [["A: 1\n\n"]], result: {} },
      { args: [["A: 1\n\r\n"]], result: {} },
    ],
    leaves: [
      { args: [["A: 1\r\n"]], result: {} },
      { args: [["A: 1\n\n"]], ...refused },
    ],
  },
  "httputil/set-is-checked": {
    covers: [
      { args: [[["set", "a b", "x"]]] },
      {
        args: [
          [
            ["get", "a"],
            ["set", "a", "x\ny"],
          ],
        ],
      },
    ],
    leaves: [{ args: [[["set", "a", "x"]]] }, { args: [[["add", "a b", "x\n"]]] }],
  },
  "httputil/cookie-whitespace": {
    covers: [{ args: ["\xa0a=b"] }, { args: ["a=b\x1f; c"] }, { args: ['a="b"\x85'] }],
    leaves: [
      { args: [" a\t= b "] },
      { args: ["a=b\xa0c"] },
      { args: ["\xa0=1; \xa0=1".replaceAll("\xa0", "")] },
    ],
  },
  "httputil/port-is-ascii": {
    covers: [{ args: ["a:٨٠"], result: ["a", 80] }],
    leaves: [
      { args: ["a:80"], result: ["a", 80] },
      { args: ["a:b"], result: ["a:b", null] },
    ],
  },
  "httputil/range-grammar": {
    covers: [
      { args: ["bytes="], result: [null, null] },
      { args: ["bytes=1_0-2"], result: [10, 3] },
      { args: ["bytes=5-2"], result: [5, 3] },
    ],
    leaves: [
      { args: ["bytes=1-2"], result: [1, 3] },
      { args: ["bytes=-5"], result: [-5, null] },
      { args: ["bytes=x"], result: null },
    ],
  },
  "httputil/range-unit-case": {
    covers: [{ args: ["Bytes=1-2"], result: null }],
    leaves: [
      { args: ["items=1-2"], result: null },
      { args: ["bytes=1-2"], result: [1, 3] },
      { args: ["Bytes=x"], result: null },
    ],
  },
  "httputil/range-saturates": {
    covers: [{ args: ["bytes=-9"], result: [-(2n ** 80n), null] }],
    leaves: [
      { args: ["bytes=-9"], result: [-9, null] },
      { args: ["x"], result: null },
    ],
  },
  "httputil/content-range-is-valid": {
    covers: [{ args: [0, 0, 10] }, { args: [null, null, 0] }, { args: [2, 100, 10] }],
    leaves: [{ args: [0, 10, 10] }, { args: [null, null, 10] }],
  },
  "httputil/parameter-is-quoted": {
    covers: [{ args: ["a", { b: "c d" }] }, { args: ["a", { b: "" }] }],
    leaves: [{ args: ["a", { b: "c" }] }, { args: ["a", { b: null }] }],
  },
  "httputil/multipart-boundary-length": {
    covers: [
      { args: [body(""), body("")] },
      { args: [body('""'), body("")] },
      { args: [body("x".repeat(71)), body("")] },
    ],
    leaves: [{ args: [B, body("")] }, { args: [body(""), body("")], ...refused }],
  },
  "httputil/multipart-counts-parts": {
    covers: [
      { args: [B, body(`${PART}--B--`)], kwargs: { config: { max_parts: 1 } }, ...tooMany },
      { args: [B, body(`${PART.repeat(100)}--B--`)], ...tooMany },
    ],
    leaves: [
      { args: [B, body(`${PART.repeat(2)}--B--`)], kwargs: { config: { max_parts: 1 } }, ...tooMany },
      { args: [B, body(`${PART}--B--`)], kwargs: { config: { max_parts: 1 } }, ...refused },
    ],
  },
  "httputil/multipart-delimiter-lines": {
    covers: [
      { args: [B, body(`junk\r\n${PART}--B--`)], ...refused },
      { args: [B, body(`-${PART}${PART}--B--`)], ...refused },
      { args: [B, body(`${PART.slice(0, -2)}\n--B\r\n2\r\n--B--`)], ...refused },
      { args: [B, body(`${PART.slice(0, -2)}--B\r\n--B--`)], ...refused },
    ],
    leaves: [
      { args: [B, body(`${PART}--B--`)], ...refused },
      { args: [B, body("junk")], ...refused },
      { args: [B, body(`junk\r\n${PART}--B`)], ...refused },
      { args: [B, body(`junk\r\n${PART.replace("name", "nam")}--B--`)], ...refused },
      { args: [B, body(`junk\r\n${PART}--B--`)], ...tooMany },
      { args: [B, body(`junk\r\n${PART}--B--`)], result: {} },
    ],
  },
  "httputil/multipart-epilogue": {
    covers: [{ args: [B, body(`${PART}--B--\r\n${PART}--B--`)], result: {} }],
    leaves: [
      { args: [B, body(`${PART}--B--\r\n`)], result: {} },
      { args: [B, body(`${PART}--B--\r\n${PART}--B--`)], ...refused },
    ],
  },
  "httputil/media-type-case": {
    covers: [{ args: ["Multipart/Form-Data; boundary=B", B] }],
    leaves: [{ args: ["multipart/form-data; boundary=B", B] }, { args: ["Text/Plain", B] }],
  },
  "httputil/boundary-may-hold-a-semicolon": {
    covers: [{ args: ['multipart/form-data; boundary="a;b"', B], ...refused }],
    leaves: [
      { args: ['multipart/form-data; boundary="ab"', B], ...refused },
      { args: ["multipart/form-data; boundary=a;b", B], ...refused },
    ],
  },
  "httputil/cookie-named-like-an-attribute": {
    covers: [{ args: [["a=b; Path=x"]] }, { args: [["version=1; c=d; expires=2"]] }],
    leaves: [
      { args: [["a=b", "path=1"]] },
      { args: [["a=path"]] },
      { args: [["path"]] },
      { args: [["xpath=1"]] },
    ],
  },
  "httputil/forwarded-address-with-port": {
    covers: [
      { args: ["127.0.0.1", null, null, [["X-Forwarded-For", "[::1]"]]], result: { remote_ip: "127.0.0.1" } },
      {
        args: ["127.0.0.1", null, null, [["X-Forwarded-For", "1.2.3.4:5"]]],
        result: { remote_ip: "127.0.0.1" },
      },
    ],
    leaves: [
      { args: ["127.0.0.1", null, null, [["X-Forwarded-For", "::1"]]], result: { remote_ip: "::1" } },
      { args: ["127.0.0.1", null, null, [["X-Forwarded-For", "1.2.3.4"]]], result: { remote_ip: "1.2.3.4" } },
      { args: ["127.0.0.1", null, null, []], result: { remote_ip: "127.0.0.1" } },
    ],
  },
  "httputil/scheme-in-any-case": {
    covers: [{ args: ["127.0.0.1", null, null, [["X-Scheme", "HTTPS"]]], result: { protocol: "http" } }],
    leaves: [
      { args: ["127.0.0.1", null, null, [["X-Scheme", "https"]]], result: { protocol: "https" } },
      { args: ["127.0.0.1", null, null, [["X-Scheme", "FTP"]]], result: { protocol: "http" } },
    ],
  },
  "httputil/cookie-lines": {
    covers: [
      { args: [["a=b", "c=d"]] },
      {
        args: [
          {
            headers: [
              ["Cookie", "a=b"],
              ["cookie", "c=d"],
            ],
          },
        ],
      },
    ],
    leaves: [
      { args: [["a=b; c=d"]] },
      { args: [{ headers: [["Cookie", "a=b"]] }] },
      { args: [["a", "b"]], ...refused },
    ],
  },
  "httputil/absolute-form": {
    covers: [{ args: [{ uri: "http://a/b" }] }],
    leaves: [{ args: [{ uri: "/b" }] }, { args: [{ uri: "http://a/b" }], ...refused }, { args: [{}] }],
  },
  "httputil/host-grammar": {
    covers: [{ args: [{ headers: [["Host", ":80"]] }] }, { args: [{ headers: [["host", "a:b"]] }] }],
    leaves: [
      { args: [{ headers: [["Host", "a:80"]] }] },
      { args: [{}] },
      { args: [{ headers: [["Host", "a b"]] }], ...refused },
    ],
  },
  "httputil/address-is-dotted-decimal": {
    covers: [{ args: ["1.2"], result: true, portable: false }],
    leaves: [
      { args: ["1.2.3.4"], result: true, portable: false },
      { args: ["x"], result: false, portable: false },
    ],
  },
});
