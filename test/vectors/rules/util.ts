/** Where our `util`, and the small parsers of message framing, answer differently from Tornado's. */
import type { Rule } from "../types.js";
import { rules as framing } from "./http1connection.js";

export const rules: readonly Rule[] = [...framing];
