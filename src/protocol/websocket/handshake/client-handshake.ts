/**
 * The opening handshake, the client's side (RFC 6455 §4.1): what the request holds, and what the answer must
 * be.
 */
import { equalsIgnoreCase } from "../../../base/bytes.js";
import { InvalidArgumentError } from "../../../base/errors.js";
import { isToken } from "../../fields/abnf.js";
import type { HTTPHeaders } from "../../fields/headers.js";
import { WebSocketHandshakeError } from "../errors.js";
import { acceptValue, newWebSocketKey } from "./accept-key.js";
import { formatExtension, parseExtensions } from "./extensions.js";
import { hasToken } from "./header-lists.js";
import {
  type DeflateAgreement,
  deflateOffer,
  PERMESSAGE_DEFLATE,
  type ResolvedCompressionOptions,
  readAnswer,
} from "./permessage-deflate.js";
import { WEBSOCKET_VERSION } from "./server-handshake.js";

/** What a client asks for; the answer is checked against it. */
export interface ClientOffer {
  /** The key of this handshake; a new one for each (RFC 6455 §4.1, item 7). */
  readonly key: string;
  /** The subprotocols, in order of preference; often none. */
  readonly subprotocols: readonly string[];
  /** How to compress; `undefined` does not offer it. */
  readonly compression: ResolvedCompressionOptions | undefined;
}

/** What a server has agreed to. */
export interface ServerHandshake {
  /** The subprotocol that the server chose, if any. */
  readonly subprotocol: string | undefined;
  /** How messages are compressed; `undefined` if they are not. */
  readonly deflate: DeflateAgreement | undefined;
}

/**
 * A new offer with a random key.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a subprotocol is not a token or is given
 *   twice.
 */
export function newClientOffer(
  subprotocols: readonly string[] = [],
  compression?: ResolvedCompressionOptions | undefined,
): ClientOffer {
  for (const subprotocol of subprotocols) {
    if (!isToken(subprotocol)) {
      throw new InvalidArgumentError(`a subprotocol must be a token, got ${JSON.stringify(subprotocol)}`);
    }
  }
  if (new Set(subprotocols).size !== subprotocols.length) {
    throw new InvalidArgumentError(`subprotocols must differ, got ${subprotocols.join(", ")}`);
  }
  return { key: newWebSocketKey(), subprotocols, compression };
}

/** The header fields of the request, besides Host (RFC 6455 §4.1). */
export function offerFields({
  key,
  subprotocols,
  compression,
}: ClientOffer): [name: string, value: string][] {
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", WEBSOCKET_VERSION],
  ];
  if (subprotocols.length > 0) fields.push(["Sec-WebSocket-Protocol", subprotocols.join(", ")]);
  if (compression !== undefined) {
    fields.push(["Sec-WebSocket-Extensions", formatExtension(deflateOffer(compression))]);
  }
  return fields;
}

/**
 * Checks the answer to an offer.
 *
 * @throws WebSocketHandshakeError (`ERR_SQUALL_WEBSOCKET_HANDSHAKE`) when the client must fail the
 *   connection.
 */
export function readServerHandshake(
  status: number,
  headers: HTTPHeaders,
  offer: ClientOffer,
): ServerHandshake {
  if (status !== 101) throw failed(`the status must be 101, got ${status}`);
  // The whole value, unlike Connection's, which is a list (RFC 6455 §4.1, items 2 and 3).
  if (!equalsIgnoreCase(headers.get("Upgrade", ""), "websocket")) throw failed("Upgrade must be websocket");
  if (!hasToken(headers, "Connection", "upgrade")) throw failed("Connection must name upgrade");
  if (headers.get("Sec-WebSocket-Accept") !== acceptValue(offer.key)) {
    throw failed("Sec-WebSocket-Accept does not fit the key");
  }
  return { subprotocol: chosenSubprotocol(headers, offer), deflate: acceptedDeflate(headers, offer) };
}

function chosenSubprotocol(headers: HTTPHeaders, { subprotocols }: ClientOffer): string | undefined {
  const chosen = headers.get("Sec-WebSocket-Protocol");
  if (chosen === undefined || subprotocols.includes(chosen)) return chosen;
  throw failed(`the subprotocol ${JSON.stringify(chosen)} was not offered`);
}

function acceptedDeflate(headers: HTTPHeaders, { compression }: ClientOffer): DeflateAgreement | undefined {
  const value = headers.get("Sec-WebSocket-Extensions");
  if (value === undefined) return undefined;
  const accepted = parseExtensions(value);
  if (accepted === undefined) throw failed("Sec-WebSocket-Extensions must be a list of extensions");
  const [answer] = accepted;
  if (compression === undefined || answer?.name !== PERMESSAGE_DEFLATE || accepted.length > 1) {
    throw failed(`the server accepts extensions that were not offered: ${value}`);
  }
  const agreement = readAnswer(answer, compression);
  if (typeof agreement === "string") throw failed(`permessage-deflate: ${agreement}`);
  return agreement;
}

function failed(message: string): WebSocketHandshakeError {
  return new WebSocketHandshakeError(`the server did not open a WebSocket: ${message}`);
}
