/**
 * What a proxy changes in the header fields of the messages that it passes on: fields of the connection are
 * removed (RFC 9110 §7.6.1), and the request says whom it comes from (RFC 7239, and the older
 * `X-Forwarded-` fields).
 */

import type { PeerContext } from "../../http/peer.js";
import { ipFamily } from "../../net/address.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { isConnectionField } from "../connection-fields.js";
import type { HeaderRules, ProxySettings } from "./options.js";

/** Fields of one connection beside those that all containers remove. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(["upgrade", "trailer", "proxy-authorization"]);

/** Fields with which a client could impersonate another one behind a proxy. */
const FORWARDED: readonly string[] = [
  "Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Real-Ip",
  "X-Scheme",
];

/** Methods whose requests have a body, though maybe an empty one (RFC 9110 §9.3). */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** The fields of a message without those of the connection, and those that `Connection` names. */
function endToEnd(headers: HTTPHeaders): HTTPHeaders {
  const named = new Set(
    headers
      .getList("Connection")
      .join()
      .split(",")
      .map((name) => name.trim().toLowerCase()),
  );
  const kept: string[] = [];
  const fields = headers.toRaw();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const lower = name.toLowerCase();
    if (isConnectionField(name) || OF_THE_CONNECTION.has(lower)) continue;
    // Naming Content-Length or Host there would change the meaning of the message.
    if (named.has(lower) && lower !== "content-length" && lower !== "host") continue;
    kept.push(name, fields[i + 1]!);
  }
  return new HTTPHeaders(HTTPHeaders.fromRaw(kept));
}

function applyRules(headers: HTTPHeaders, rules: HeaderRules): void {
  for (const [name, value] of Object.entries(rules)) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
}

/** What the upstream's request says; `upgrade` is the protocol that the client asks for. */
export function requestFields(
  method: string,
  received: HTTPHeaders,
  peer: PeerContext,
  upgrade: string | undefined,
  settings: ProxySettings,
): HTTPHeaders {
  const headers = endToEnd(received);
  const host = received.get("Host", "");
  // The server below has dealt with the expectation.
  headers.delete("Expect");
  if (!settings.appendForwarded) for (const name of FORWARDED) headers.delete(name);
  const node = peer.remoteIp === "" ? "unknown" : peer.remoteIp;
  const quoted = ipFamily(node) === 6 ? `"[${node}]"` : node;
  headers.set("X-Forwarded-For", listed(headers.getList("X-Forwarded-For"), node));
  headers.set(
    "Forwarded",
    listed(headers.getList("Forwarded"), `for=${quoted};host="${host}";proto=${peer.protocol}`),
  );
  headers.setDefault("X-Forwarded-Proto", peer.protocol);
  headers.setDefault("X-Forwarded-Host", host);
  // What some servers, Tornado's among them, believe before all others.
  headers.set("X-Real-Ip", node);
  if (!settings.preserveHost || host === "") headers.set("Host", settings.authority);
  applyRules(headers, settings.requestHeaders);
  // What frames the body is not the rules' business.
  headers.delete("Connection");
  headers.delete("Transfer-Encoding");
  if (received.has("Transfer-Encoding")) {
    headers.delete("Content-Length");
    headers.set("Transfer-Encoding", "chunked");
  }
  // Without it our own sender would take the body of a POST for one that is still to come.
  else if (!received.has("Content-Length") && WITH_BODY.has(method)) headers.set("Content-Length", "0");
  if (upgrade !== undefined) {
    headers.set("Connection", "Upgrade");
    headers.set("Upgrade", upgrade);
  }
  return headers;
}

/** What the client's response says; `isSwitch` for a 101, whose fields of the connection belong to it. */
export function responseFields(
  received: HTTPHeaders,
  isSwitch: boolean,
  settings: ProxySettings,
): HTTPHeaders {
  const headers = endToEnd(received);
  applyRules(headers, settings.responseHeaders);
  headers.delete("Connection");
  headers.delete("Transfer-Encoding");
  if (isSwitch) {
    headers.set("Connection", "Upgrade");
    headers.set("Upgrade", received.get("Upgrade", ""));
  }
  return headers;
}

function listed(before: readonly string[], last: string): string {
  return [...before, last].join(", ");
}
