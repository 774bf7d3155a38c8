/** Which responses have content, in every version of HTTP (RFC 9110 §6.4.1, §15). */

/** True for a 2xx to CONNECT: what follows its head is the tunnel, not a body (RFC 9110 §9.3.6). */
export function opensTunnel(method: string, code: number): boolean {
  return method === "CONNECT" && code >= 200 && code < 300;
}

/**
 * True when no response with this status may carry content: 1xx, 204, 205 and 304 (RFC 9110 §15.2, §15.3.5,
 * §15.3.6, §15.4.5). The answer to HEAD has none either, whatever its status.
 */
export function forbidsContent(code: number): boolean {
  return code < 200 || code === 204 || code === 205 || code === 304;
}

/**
 * True when a response with this status ends with its head whatever its fields say: 1xx, 204 and 304
 * (RFC 9112 §6.3). A 205 does not: it has a body of length 0, which its fields must announce.
 */
export function endsWithHead(code: number): boolean {
  return code < 200 || code === 204 || code === 304;
}
