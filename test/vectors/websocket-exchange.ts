/**
 * One exchange of the vectors of `websocket`: a request, then pieces of frames. {@link exchangePurely} is
 * made of protocol objects alone; an exchange over a network has the same shape.
 */
import { HTTPHeaders } from "squall/httputil";
import { WebSocketConnection } from "#room/protocol/websocket/connection";
import { SyncDeflater, SyncInflater } from "#room/protocol/websocket/deflate-codec";
import { WebSocketHandshakeError } from "#room/protocol/websocket/errors";
import { isSameOrigin } from "#room/protocol/websocket/handshake/origin";
import {
  acceptOffer,
  type DeflateAgreement,
  resolveCompressionOptions,
} from "#room/protocol/websocket/handshake/permessage-deflate";
import { answerFields, readClientHandshake } from "#room/protocol/websocket/handshake/server-handshake";
import { serverReceiver } from "../support/http1.js";
import { TwinDeflate, twinFrames } from "../support/websocket-twin.js";
import { answerMessage, RaisedError, selectSubprotocol, type VectorEvent } from "./apps/websocket.js";

/** A frame that the server has sent; a compressed payload is unpacked. */
export interface SentFrame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** What came of an exchange. */
export interface WebSocketExchange {
  readonly status: number;
  /** The fields of the handshake, by name in lower case. */
  readonly fields: Readonly<Record<string, string>>;
  readonly events: readonly VectorEvent[];
  readonly frames: readonly SentFrame[];
  /** The connection is open after the last piece; `undefined` for a refusal, where HTTP decides. */
  readonly open: boolean | undefined;
}

/** The names of the fields that belong to the handshake. */
export const HANDSHAKE_FIELDS: readonly string[] = [
  "upgrade",
  "connection",
  "sec-websocket-accept",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "sec-websocket-version",
];

type Options = Readonly<Record<string, unknown>>;

/** Python's keyword arguments as our compression options; `undefined` for none. */
function compressionOf({ compression }: Options) {
  if (compression === undefined || compression === null) return undefined;
  const { compression_level: level, mem_level: memLevel } = compression as Record<string, number>;
  return resolveCompressionOptions({ compressionLevel: level, memLevel });
}

/** Runs the exchange on protocol objects. */
export function exchangePurely(
  request: Buffer,
  pieces: readonly Buffer[],
  options: Options,
): WebSocketExchange {
  const { receiver, recorder } = serverReceiver();
  receiver.feed(Buffer.from(request));
  const [first] = recorder.told;
  if (first === undefined) throw new Error("the request has no head");
  if ("error" in first) return refusal(first.status);
  if (!("head" in first)) throw new Error("the request does not begin with a head");
  const { method, version, fields: raw } = first.head;
  // The router sees to this before a handler is made.
  if (method !== "GET") return refusal(405);
  const headers = HTTPHeaders.fromRaw(raw);
  const events: VectorEvent[] = [];
  try {
    const handshake = readClientHandshake({ method, version, headers }, (origin) =>
      isSameOrigin(origin, headers.get("Host", "")),
    );
    events.push(["select_subprotocol", handshake.subprotocols]);
    const subprotocol = selectSubprotocol(handshake.subprotocols);
    events.push(["open", subprotocol ?? null]);
    const compression = compressionOf(options);
    const accepted = compression && acceptOffer(handshake.extensions, compression);
    const fields = answerFields(handshake, {
      subprotocol,
      extensions: accepted === undefined ? [] : [accepted.answer],
    });
    const { frames, open } = converse(pieces, events, accepted?.agreement, options);
    return { status: 101, fields: lowered(fields), events, frames, open };
  } catch (error) {
    if (!(error instanceof WebSocketHandshakeError)) throw error;
    return refusal(error.status, lowered(Object.entries(error.fields)));
  }
}

function refusal(status: number, fields: Record<string, string> = {}): WebSocketExchange {
  return { status, fields, events: [], frames: [], open: undefined };
}

function lowered(fields: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
}

function converse(
  pieces: readonly Buffer[],
  events: VectorEvent[],
  agreement: DeflateAgreement | undefined,
  options: Options,
): Pick<WebSocketExchange, "frames" | "open"> {
  const sent: Buffer[] = [];
  let open = true;
  const effort = compressionOf(options);
  const connection = new WebSocketConnection(
    "server",
    {
      onMessage(data) {
        events.push(["message", data]);
        try {
          answerMessage(connection, data);
        } catch (error) {
          if (!(error instanceof RaisedError)) throw error;
          connection.close(1011);
        }
      },
      onPing: (data) => void events.push(["ping", data]),
      onPong: (data) => void events.push(["pong", data]),
      onError() {},
      // 1005 and 1006 say that there was no code.
      onClose: (code, reason) =>
        void events.push([
          "close",
          code === 1005 || code === 1006 ? null : code,
          reason === "" ? null : reason,
        ]),
    },
    {
      send: (data, encoding) => {
        sent.push(typeof data === "string" ? Buffer.from(data, encoding) : Buffer.from(data));
        return true;
      },
      finish: () => {
        open = false;
      },
    },
    {
      maxMessageSize: (options.websocket_max_message_size as number | undefined) ?? 10_485_760,
      inflater: agreement && new SyncInflater(agreement.client),
      deflater: agreement && new SyncDeflater(agreement.server, effort),
    },
  );
  for (const piece of pieces) connection.receive(Buffer.from(piece));
  return { frames: readFrames(Buffer.concat(sent), agreement), open };
}

/** What was sent, as the vectors write it. */
export function readFrames(sent: Buffer, agreement: DeflateAgreement | undefined): SentFrame[] {
  const inflater = new TwinDeflate(agreement?.server.takeover ?? false, agreement?.server.windowBits ?? 15);
  return twinFrames(sent).frames.map(({ fin, rsv, opcode, isMasked, payload }) => ({
    fin,
    rsv1: rsv === 4,
    opcode,
    masked: isMasked,
    payload: rsv === 4 ? inflater.inflate(payload) : payload,
  }));
}
