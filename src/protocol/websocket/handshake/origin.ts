/**
 * The origin of a handshake (RFC 6455 §10.2). A browser says which page opens the connection, and lets pages
 * of other sites do so too: refusing them is left to the server.
 */
import { equalsIgnoreCase } from "../../../base/bytes.js";

/**
 * `scheme://authority`, and what may follow it in a URI. An origin has neither path nor query, but some
 * clients send them.
 */
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]+)(?:[/?#].*)?$/;

/**
 * Whether the origin is the host itself, port included: the rule of Tornado's `check_origin`. `host` is the
 * value of the Host field. `null`, which a page without an origin sends, is not the origin of any host. A
 * default port must be written on both sides or on neither; browsers leave it out of both.
 */
export function isSameOrigin(origin: string, host: string): boolean {
  const authority = ORIGIN.exec(origin)?.[1];
  return authority !== undefined && equalsIgnoreCase(authority, host);
}
