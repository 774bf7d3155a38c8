import { testRules } from "../rule-examples.js";
import { rules } from "./routing.js";

const handlers = [["/a/([^/]*)", "A", {}, "a"]];

testRules("routing", rules, {
  "routing/slash-in-segment": {
    covers: [
      { fn: "routing.PathMatches.reverse", args: ["/([^/]+)/(.*)", ["a/b", "c/d"]], result: "/a/b/c/d" },
      { fn: "web.Application.reverse_url", args: [{ handlers }, "a", ["x/y"]], result: "/a/x/y" },
    ],
    leaves: [
      { fn: "routing.PathMatches.reverse", args: ["/([^/]+)/(.*)", ["a", "c/d"]], result: "/a/c/d" },
      { fn: "web.Application.reverse_url", args: [{ handlers }, "a", ["x"]], result: "/a/x" },
    ],
  },
  "routing/ascii-classes": {
    covers: [{ args: ["/(\\w+)", "/é"], result: { path_args: [Buffer.from("é")] } }],
    leaves: [
      { args: ["/(\\w+)", "/e"], result: { path_args: [Buffer.from("e")] } },
      { args: ["/(\\w+)", "/é"], result: null },
      { args: ["/(.+)", "/é"], result: { path_args: [Buffer.from("é")] } },
    ],
  },
  "routing/nested-groups": {
    covers: [{ args: ["/(a(b)c)"], result: ["/%s%s", 2] }],
    leaves: [
      { args: ["/(a)(b)"], result: ["/%s%s", 2] },
      { args: ["/(a(b)c)"], result: [null, null] },
      { args: ["/(?:a(b)c)"], result: ["/%s", 1] },
    ],
  },
  "routing/escaped-dollar": {
    covers: [{ args: ["/price\\$"], result: ["/price\\", 0] }],
    leaves: [
      { args: ["/price$"], result: ["/price", 0] },
      { args: ["/price"], result: ["/price", 0] },
    ],
  },
  "routing/no-none": {
    covers: [{ args: ["/(.*)", [null]], result: "/None" }],
    leaves: [
      { args: ["/(.*)", ["x"]], result: "/x" },
      { args: ["/(.*)", [null]], error: { type: "AssertionError" } },
    ],
  },
  "routing/percent-in-pattern": {
    covers: [{ args: ["/100%/(.*)", ["x"]], error: { type: "ValueError" } }],
    leaves: [
      { args: ["/100%/(.*)", ["x"]], result: "/100%/x" },
      { args: ["/100/(.*)", ["x"]], error: { type: "AssertionError" } },
      { args: ["/100%/x", []], error: { type: "ValueError" } },
    ],
  },
});
