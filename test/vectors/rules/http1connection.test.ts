import { testRules } from "../rule-examples.js";
import { rules } from "./http1connection.js";

testRules("http1connection", rules, {
  "util/framing-integers-are-exact": {
    covers: [{ args: ["9007199254740993"], result: 9_007_199_254_740_993n }],
    leaves: [{ args: ["9007199254740991"], result: 9_007_199_254_740_991 }, { args: ["x"] }],
  },
});
