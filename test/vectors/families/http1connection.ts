/** The small parsers of message framing; their vectors are in the family `util`. */
import { isTransferEncodingChunked, parseInt as parseDecimal, parseHexInt } from "squall/http1connection";
import type { Family, VectorFunction } from "../types.js";
import type { VectorHeaders } from "../values.js";

const functions: Record<string, VectorFunction> = {
  "http1connection.parse_int": ([text]: readonly [string]) => parseDecimal(text),
  "http1connection.parse_hex_int": ([text]: readonly [string]) => parseHexInt(text),
  "http1connection.is_transfer_encoding_chunked": ([headers]: readonly [VectorHeaders]) =>
    isTransferEncodingChunked(headers.toHeaders()),
};

export const family: Family = { functions };
