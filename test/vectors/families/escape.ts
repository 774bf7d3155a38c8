/** The vectors of `escape`: HTML, JSON, URLs, UTF-8 and links. */
import * as door from "squall/escape";
import type { Family, VectorFunction } from "../types.js";

type Text = string | Uint8Array;

const functions: Record<string, VectorFunction> = {
  "escape.xhtml_escape": ([value]: readonly Text[]) => door.xhtmlEscape(value!),
  "escape.xhtml_unescape": ([value]: readonly Text[]) => door.xhtmlUnescape(value!),
  "escape.url_escape": ([value]: readonly Text[], { plus }) =>
    door.urlEscape(value!, { plus: plus as boolean | undefined }),
  "escape.url_unescape": ([value]: readonly Text[], { plus, encoding }) =>
    door.urlUnescape(value!, {
      plus: plus as boolean | undefined,
      encoding: encoding as string | null | undefined,
    }),
  "escape.squeeze": ([value]: readonly string[]) => door.squeeze(value!),
  "escape.json_encode": ([value]) => door.jsonEncode(value),
  "escape.json_decode": ([value]: readonly Text[]) => door.jsonDecode(value!),
  "escape.utf8": ([value]: readonly Text[]) => door.utf8(value!),
  "escape.to_unicode": ([value]: readonly Text[]) => door.toUnicode(value!),
  "escape.native_str": ([value]: readonly Text[]) => door.nativeStr(value!),
  "escape.to_basestring": ([value]: readonly Text[]) => door.toBasestring(value!),
  "escape.recursive_unicode": ([value]) => door.recursiveUnicode(value),
  "escape.parse_qs_bytes": ([value]: readonly Text[], { keep_blank_values, strict_parsing }) =>
    door.parseQsBytes(value!, {
      keepBlankValues: keep_blank_values as boolean | undefined,
      strictParsing: strict_parsing as boolean | undefined,
    }),
  "escape.linkify": ([value]: readonly Text[], options) =>
    door.linkify(value!, {
      shorten: options.shorten as boolean | undefined,
      extraParams: options.extra_params as string | ((href: string) => string) | undefined,
      requireProtocol: options.require_protocol as boolean | undefined,
      permittedProtocols: options.permitted_protocols as string[] | undefined,
    }),
};

export const family: Family = { functions };
