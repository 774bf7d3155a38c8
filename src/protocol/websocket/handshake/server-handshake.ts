/**
 * The opening handshake, the server's side (RFC 6455 §4.2): what a request must be, and what the answer is.
 *
 * The checks come in this order, so that the answer names what is wrong in the request as a whole before it
 * names a detail: method and version of HTTP, Host, Upgrade, Connection (400); the origin (403); the version
 * of WebSocket (426); the key, the subprotocols, the extensions (400).
 */
import { InvalidArgumentError } from "../../../base/errors.js";
import type { HTTPHeaders } from "../../fields/headers.js";
import { WebSocketHandshakeError } from "../errors.js";
import { acceptValue, isWebSocketKey } from "./accept-key.js";
import { type Extension, formatExtension, parseExtensions } from "./extensions.js";
import { hasToken, tokenList } from "./header-lists.js";

/** The one version of the protocol (RFC 6455 §4.1). */
export const WEBSOCKET_VERSION = "13";

/** The parts of a request that matter here; `HTTPServerRequest` is one. */
export interface UpgradeRequest {
  readonly method: string;
  /** `HTTP/1.1`, for example. */
  readonly version: string;
  readonly headers: HTTPHeaders;
}

/** What a client wants, checked. */
export interface ClientHandshake {
  readonly key: string;
  /** The subprotocols that are offered, in order of preference; often none. */
  readonly subprotocols: readonly string[];
  /** The extensions that are offered, in order of preference; often none. */
  readonly extensions: readonly Extension[];
}

/**
 * Checks a request for an upgrade. `isAllowedOrigin` gets the value of the Origin field, or of the older
 * Sec-WebSocket-Origin; without such a field the request does not come from a browser's page, and is allowed.
 *
 * @throws WebSocketHandshakeError (`ERR_SQUALL_WEBSOCKET_HANDSHAKE`) whose `status` and `fields` are the
 *   answer.
 */
export function readClientHandshake(
  { method, version, headers }: UpgradeRequest,
  isAllowedOrigin: (origin: string) => boolean,
): ClientHandshake {
  if (method !== "GET") throw refused(`the method must be GET, got ${method}`);
  if (!isHTTP11(version)) throw refused(`the version must be HTTP/1.1 or later, got ${version}`);
  if (headers.getList("Host").length !== 1) throw refused("there must be one Host field");
  if (!hasToken(headers, "Upgrade", "websocket")) throw refused("Upgrade must name websocket");
  if (!hasToken(headers, "Connection", "upgrade")) throw refused("Connection must name upgrade");
  for (const origin of origins(headers)) {
    if (!isAllowedOrigin(origin)) {
      throw refused(`the origin ${JSON.stringify(origin)} is not allowed`, 403);
    }
  }
  const versions = headers.getList("Sec-WebSocket-Version");
  if (versions.length > 1) throw refused("there must be one Sec-WebSocket-Version field");
  if (versions[0] !== WEBSOCKET_VERSION) {
    // RFC 6455 §4.4; RFC 9110 §15.5.22 and §7.8 ask for the other two.
    throw refused(`the version of WebSocket must be ${WEBSOCKET_VERSION}`, 426, {
      "Sec-WebSocket-Version": WEBSOCKET_VERSION,
      Upgrade: "websocket",
      Connection: "Upgrade",
    });
  }
  const keys = headers.getList("Sec-WebSocket-Key");
  const [key] = keys;
  if (keys.length !== 1 || key === undefined || !isWebSocketKey(key)) {
    throw refused("there must be one Sec-WebSocket-Key field, of 16 octets in base64");
  }
  return { key, subprotocols: offeredSubprotocols(headers), extensions: offeredExtensions(headers) };
}

/** The fields of the answer with status 101 (RFC 6455 §4.2.2): name, value, name, value, … */
export interface ServerAnswer {
  /** One of the offered subprotocols; default none. */
  readonly subprotocol?: string | undefined;
  /** The extensions that are accepted, in the order in which they apply; default none. */
  readonly extensions?: readonly Extension[] | undefined;
}

/**
 * The header fields that go with the status 101.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the subprotocol was not offered (RFC 6455
 *   §4.2.2: it is one of the client's).
 */
export function answerFields(
  { key, subprotocols }: ClientHandshake,
  { subprotocol, extensions = [] }: ServerAnswer = {},
): [name: string, value: string][] {
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptValue(key)],
  ];
  if (subprotocol !== undefined) {
    if (!subprotocols.includes(subprotocol)) {
      throw new InvalidArgumentError(
        `the subprotocol must be one that the client offered (${subprotocols.join(", ")}), got ${subprotocol}`,
      );
    }
    fields.push(["Sec-WebSocket-Protocol", subprotocol]);
  }
  if (extensions.length > 0) {
    fields.push(["Sec-WebSocket-Extensions", extensions.map(formatExtension).join(", ")]);
  }
  return fields;
}

/** A later version of HTTP/1 has the same upgrade; HTTP/2 and later have none (RFC 6455 §4.1). */
function isHTTP11(version: string): boolean {
  return /^HTTP\/1\.[1-9]$/.test(version);
}

function origins(headers: HTTPHeaders): string[] {
  const found = headers.getList("Origin");
  return found.length > 0 ? found : headers.getList("Sec-WebSocket-Origin");
}

function offeredSubprotocols(headers: HTTPHeaders): string[] {
  const offered = tokenList(headers, "Sec-WebSocket-Protocol");
  if (offered === undefined) throw refused("Sec-WebSocket-Protocol must be a list of tokens");
  // RFC 6455 §4.1, item 10: all of them differ.
  if (new Set(offered).size !== offered.length) throw refused("a subprotocol must be offered once");
  return offered;
}

function offeredExtensions(headers: HTTPHeaders): Extension[] {
  const value = headers.get("Sec-WebSocket-Extensions");
  if (value === undefined) return [];
  const offered = parseExtensions(value);
  if (offered === undefined) throw refused("Sec-WebSocket-Extensions must be a list of extensions");
  return offered;
}

function refused(
  message: string,
  status = 400,
  fields: Record<string, string> = {},
): WebSocketHandshakeError {
  return new WebSocketHandshakeError(`no WebSocket: ${message}`, { status, fields });
}
