import { testRules } from "../rule-examples.js";
import { rules } from "./web.js";

const NOW = 1_500_000_000;
const v2 = (time: string, value = "dmFsdWU=", key = "0") =>
  `2|1:${key}|${time.length}:${time}|3:key|${value.length}:${value}|sig`;
const v1 = (time: string, value = "dmFsdWU=") => `${value}|${time}|sig`;
const decode = (text: string, result: unknown = Buffer.from("value"), clock = NOW) => ({
  fn: "web.decode_signed_value",
  args: ["SECRET", "key", text],
  kwargs: { clock },
  result,
});
const redirected = (fn: string, location: string, args: unknown[] = ["GET", "/"]) => ({
  fn,
  args,
  result: { status: 301, location },
});
const compressed = (accepted: string | null, gzipped: boolean, type = "text/html") => ({
  args: [accepted, 200, [["Content-Type", type]], 2000, true],
  result: { status: 200, headers: [], gzipped },
});
const fails = { error: { type: "ValueError", contains: "" } };

testRules("web", rules, {
  "web/signed-name-octets": {
    covers: [{ args: ["S", "é", "x"], kwargs: { version: 2 }, result: Buffer.from("2|…|1:é") }],
    leaves: [
      { args: ["S", "e", "x"], kwargs: { version: 2 }, result: Buffer.from("2|…|1:e") },
      { args: ["S", "é", "x"], kwargs: { version: 1 }, result: Buffer.from("x|1|s") },
    ],
  },
  "web/signed-never-throws": {
    covers: [{ args: ["S", "key", v1("abc")], ...fails }],
    leaves: [decode(v1("150")), { args: ["S", "key", v2("1")], kwargs: { min_version: 3 }, ...fails }],
  },
  "web/signed-from-future": {
    covers: [decode(v2(String(NOW + 32 * 86_400)))],
    leaves: [
      decode(v2(String(NOW + 30 * 86_400))),
      decode(v2(String(NOW + 32 * 86_400)), null),
      decode(v2("1_500")),
    ],
  },
  "web/signed-strict-base64": {
    covers: [decode(v2(String(NOW), "!!!!")), decode(v1(String(NOW), "dmFsdWU====="))],
    leaves: [decode(v2(String(NOW))), decode(v2(String(NOW), "!!!!"), null)],
  },
  "web/plain-integers": {
    covers: [
      decode(v1(" 1500000000 ")),
      decode(v2("1_500000000")),
      { fn: "web.get_signature_key_version", args: [v2("1", "x", "1_0")], result: 10 },
      { fn: "web.RequestHandler._decode_xsrf_token", args: ["2|01020304|01|1_0"], result: { version: 2 } },
    ],
    leaves: [
      decode(v1("1500000000")),
      decode(v1("1_5"), null),
      { fn: "web.get_signature_key_version", args: [v2("1", "x", "3")], result: 3 },
      { fn: "web.RequestHandler._decode_xsrf_token", args: ["2|01020304|01|10"], result: { version: 2 } },
      { fn: "web.RequestHandler._decode_xsrf_token", args: ["abc"], result: { version: 1 } },
    ],
  },
  "web/one-slash": {
    covers: [redirected("web.addslash", "//evil.com/")],
    leaves: [redirected("web.addslash", "/good/"), { args: ["POST", "//x"], result: { called: true } }],
  },
  "web/location-is-a-uri": {
    covers: [
      redirected("web.RequestHandler.redirect", "/a b", ["/a b"]),
      redirected("web.addslash", "/Ã©/", ["GET", "/é"]),
    ],
    leaves: [
      redirected("web.RequestHandler.redirect", "/a%20b", ["/a%20b"]),
      redirected("web.RedirectHandler", "/    a", ["/{0:>5}"]),
    ],
  },
  "web/no-format-specifications": {
    covers: [redirected("web.RedirectHandler", "/    a", ["/{0:>5}"])],
    leaves: [redirected("web.RedirectHandler", "/a", ["/{0}"]), { args: ["/{0:q}"], ...fails }],
  },
  "web/header-values-of-booleans": {
    covers: [{ args: [false], result: "False" }],
    leaves: [
      { args: [5], result: "5" },
      { args: [true], ...fails },
    ],
  },
  "web/header-names-are-tokens": {
    covers: [{ args: [[["set_header", "X A", "x"]]], result: {} }],
    leaves: [
      { args: [[["set_header", "X-A", "x"]]], result: {} },
      { args: [[["set_header", "X A", "x"]]], ...fails },
    ],
  },
  "web/reason-wording": {
    covers: [
      { args: [413], result: [413, "Request Entity Too Large"] },
      { fn: "web.RequestHandler.send_error", args: [422, {}], result: { reason: "Unprocessable Entity" } },
    ],
    leaves: [
      { args: [404], result: [404, "Not Found"] },
      { args: [413], result: [413, "Content Too Large"] },
      { fn: "web.RequestHandler.send_error", args: [422, { reason: "Own" }], result: { reason: "Own" } },
    ],
  },
  "web/status-ends-a-response": {
    covers: [
      { args: [99], result: [99, "Unknown"] },
      { args: [100], result: [100, "Continue"] },
      { args: [1000], result: [1000, "Unknown"] },
    ],
    leaves: [
      { args: [101], result: [101, "Switching Protocols"] },
      { args: [200], result: [200, "OK"] },
      { args: [99], ...fails },
    ],
  },
  "web/log-message-as-written": {
    covers: [{ args: [[404, "100% done"]], result: { log_message: "100%% done" } }],
    leaves: [
      { args: [[404, "done"]], result: { log_message: "done" } },
      { args: [[404]], result: { log_message: null } },
      { args: [[404, "%s", "x"]], result: { log_message: "%s" } },
    ],
  },
  "web/log-arguments-that-do-not-fit": {
    covers: [{ args: [[400, "x", "extra"]], ...fails }],
    leaves: [
      { args: [[400, "%s", "extra"]], result: { status_code: 400 } },
      { args: [["x"]], ...fails },
    ],
  },
  "web/cookie-values-are-octets": {
    covers: [{ args: [[["a", "☃", {}]]], result: ['a="☃"; Path=/'] }],
    leaves: [
      { args: [[["a", "é", {}]]], result: ["a=é; Path=/"] },
      { args: [[["a", "☃", {}]]], ...fails },
    ],
  },
  "web/max-age-zero": {
    covers: [{ args: [[["a", "b", { max_age: 0 }]]], result: ["a=b; Path=/"] }],
    leaves: [{ args: [[["a", "b", { max_age: 1 }]]], result: ["a=b; Max-Age=1; Path=/"] }],
  },
  "web/cookies-with-names-of-attributes": {
    covers: [{ args: ["path=x", "path", null], result: null }],
    leaves: [
      { args: ["path=x", "path", null], result: "x" },
      { args: ["a=x", "path", null], result: null },
    ],
  },
  "web/white-space-of-javascript": {
    covers: [{ args: ["/?foo=%C2%85a", "get_argument", ["foo"]], result: "a" }],
    leaves: [
      { args: ["/?foo=%20a", "get_argument", ["foo"]], result: "a" },
      { args: ["/?foo=%C2%85a", "get_arguments", ["foo"]], result: ["a"] },
    ],
  },
  "web/if-none-match-star": {
    covers: [
      { args: ['"x"', "junk * junk"], result: true },
      { args: [null, "*"], result: false },
    ],
    leaves: [
      { args: ['"x"', "*"], result: true },
      { args: ['"x"', '"y"'], result: false },
    ],
  },
  "web/json-without-spaces": {
    covers: [
      { args: [[{ a: 1 }]], result: { content_type: "application/json", body: Buffer.from('{"a": 1}') } },
    ],
    leaves: [
      { args: [[{}]], result: { content_type: "application/json", body: Buffer.from("{}") } },
      { args: [["a: b"]], result: { content_type: "text/html", body: Buffer.from("a: b") } },
      { args: [[[1]]], ...fails },
    ],
  },
  "web/accept-encoding": {
    covers: [compressed("gzip;q=0", true), compressed("GZIP", false)],
    leaves: [
      compressed("gzip;q=0.5", true),
      compressed("gzip", true),
      compressed("gzip", false),
      compressed(null, false),
      compressed("x-gzip", true),
    ],
  },
  "web/language-weights": {
    covers: [{ args: ["de;q=1_0, fr-FR", ["fr_FR", "de"]], result: "de" }],
    leaves: [
      { args: ["de;q=0.5, fr-FR;q=0.4", ["fr_FR", "de"]], result: "de" },
      { args: ["fr;q=nan, de", ["fr_FR", "de"]], result: "de" },
      { args: [null, ["de"]], result: "en_US" },
    ],
  },
  "web/space-before-parameters": {
    covers: [compressed("gzip", false, "application/json ; x")],
    leaves: [compressed("gzip", true, "text/plain ; x"), compressed("gzip", false, "image/png;x")],
  },
  "web/newer-media-types": {
    covers: [{ args: ["a.md"], result: "application/octet-stream" }],
    leaves: [
      { args: ["a.md"], result: "text/markdown" },
      { args: ["a.unknown"], result: "application/octet-stream" },
    ],
  },
});
