/** Where our small parsers of message framing answer differently from Tornado's; part of the family `util`. */
import { HTTPInputError } from "squall/httputil";
import type { Rule } from "../types.js";

export const rules: readonly Rule[] = [
  {
    name: "util/framing-integers-are-exact",
    functions: ["http1connection.parse_int", "http1connection.parse_hex_int"],
    // What JSON could not hold as a number came as text and was decoded to a bigint.
    covers: ({ result }) => typeof result === "bigint",
    holds: (outcome) => "error" in outcome && outcome.error instanceof HTTPInputError,
  },
];
