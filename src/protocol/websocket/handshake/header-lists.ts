/**
 * The lists in the fields of the opening handshake. `1#element` is RFC 2616's list (§2.1): elements between
 * commas, with spaces and empty elements that count for nothing, and at least one that counts. Repeated
 * fields join with a comma. Every reader here is linear, whatever the peer sends.
 */
import { equalsIgnoreCase } from "../../../base/bytes.js";
import { isToken, trimWhitespace } from "../../fields/abnf.js";
import type { HTTPHeaders } from "../../fields/headers.js";

/** The elements of all fields of a name that are not empty, without the spaces around them. */
export function listElements(headers: HTTPHeaders, name: string): string[] {
  const elements: string[] = [];
  for (const value of headers.getList(name)) {
    for (const piece of value.split(",")) {
      const element = trimWhitespace(piece);
      if (element !== "") elements.push(element);
    }
  }
  return elements;
}

/** Whether a list field holds `token`, in upper or lower case. */
export function hasToken(headers: HTTPHeaders, name: string, token: string): boolean {
  return listElements(headers, name).some((element) => equalsIgnoreCase(element, token));
}

/**
 * The tokens of a list field; `undefined` if an element is not a token, or the field is there without any.
 */
export function tokenList(headers: HTTPHeaders, name: string): string[] | undefined {
  const elements = listElements(headers, name);
  if (elements.length === 0 && headers.has(name)) return undefined;
  return elements.every(isToken) ? elements : undefined;
}
