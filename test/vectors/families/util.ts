/** The vectors of `util`, and of the small parsers of message framing, which share the file. */
import type { Family } from "../types.js";
import { family as framing } from "./http1connection.js";

export const family: Family = { functions: { ...framing.functions } };
