import { testRules } from "../rule-examples.js";
import { rules } from "./auth.js";

const signed = (url: string) => ({
  args: [{ key: "k", secret: "s" }, "GET", url, {}, null],
  result: Buffer.from("x"),
});
const plain = [
  signed("http://example.com/a"),
  signed("https://example.com:8443/a/b.json"),
  signed("http://h/"),
];

testRules("auth", rules, {
  "auth/default-port": {
    covers: [signed("https://example.com:443/a"), signed("HTTP://EXAMPLE.com:80/")],
    leaves: [...plain, signed("http://example.com:443/a"), signed("http://example.com/:80/")],
  },
  "auth/path-and-query": {
    covers: [signed("http://example.com/a?b=c"), signed("http://example.com/a;b")],
    leaves: [...plain, signed("http://example.com/a#b?c")],
  },
  "auth/empty-path": { covers: [signed("http://example.com")], leaves: plain },
  "auth/uri-is-ascii": {
    covers: [signed("http://example.com/café")],
    leaves: [...plain, signed("http://example.com/caf%C3%A9")],
  },
});
