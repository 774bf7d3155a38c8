/**
 * The vectors of `websocket`: the small functions, and raw connections, which run on protocol objects without
 * a network. Of a response the handshake's own is compared; the rest belongs to the server.
 */
import { websocketMask } from "squall/util";
import { acceptValue } from "#room/protocol/websocket/handshake/accept-key";
import { isSameOrigin } from "#room/protocol/websocket/handshake/origin";
import {
  acceptOffer,
  resolveCompressionOptions,
} from "#room/protocol/websocket/handshake/permessage-deflate";
import type { Family, VectorCase, VectorFunction } from "../types.js";
import { equivalent, PythonError } from "../values.js";
import { exchangePurely, HANDSHAKE_FIELDS, type WebSocketExchange } from "../websocket-exchange.js";

/** How Tornado's result of a connection is written. */
export interface VectorConnection {
  readonly response: Buffer;
  readonly events: readonly unknown[];
  readonly frames?: readonly WebSocketExchange["frames"][number][];
  readonly open: boolean;
}

/** Status and handshake fields of a raw response. */
export function readResponse(response: Buffer): Pick<WebSocketExchange, "status" | "fields"> {
  const [start = "", ...lines] = response.toString("latin1").split("\r\n\r\n", 1)[0]!.split("\r\n");
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^:]*): ?(.*)$/.exec(line)!;
    if (HANDSHAKE_FIELDS.includes(name.toLowerCase())) fields[name.toLowerCase()] = value;
  }
  return { status: Number(start.split(" ", 2)[1]), fields };
}

const functions: Record<string, VectorFunction> = {
  "websocket.compute_accept_value": ([key]: readonly (string | Buffer)[]) => acceptValue(key!),

  "util._websocket_mask": ([mask, data]: readonly Buffer[]) => websocketMask(mask!, data!),

  "websocket.check_origin": ([origin, host]: readonly string[]) => isSameOrigin(origin!, host!),

  /**
   * How one side compresses, given the parameters of an offer; declining them is an error, as for Tornado.
   */
  "websocket._get_compressor_options"([side, agreed]: readonly [
    "server" | "client",
    Readonly<Record<string, string | null>>,
  ]) {
    const parameters = Object.entries(agreed).map(([name, value]) => ({ name, value: value ?? undefined }));
    const accepted = acceptOffer([{ name: "permessage-deflate", parameters }], resolveCompressionOptions());
    if (accepted === undefined) throw new PythonError("the parameters cannot be used");
    const { takeover, windowBits } = accepted.agreement[side];
    return { persistent: takeover, max_wbits: windowBits, compression_options: null };
  },

  "websocket.connection": (
    [request, frames]: readonly [Buffer, readonly Buffer[]],
    kwargs: Readonly<Record<string, unknown>>,
  ) => exchangePurely(request, frames, kwargs),
};

/** Frames without what is free in them: the wording of the reason with 1009, and the spacing of JSON. */
function withoutWording(frames: VectorConnection["frames"]) {
  return (frames ?? []).map((frame) => {
    const { opcode, payload } = frame;
    if (opcode === 8 && payload.length > 2 && payload.readUInt16BE() === 1009) {
      return { ...frame, payload: payload.subarray(0, 2) };
    }
    const text = payload.toString("latin1");
    return opcode === 1 && text.startsWith("{") ? { ...frame, payload: text.replaceAll(" ", "") } : frame;
  });
}

/** Whether our exchange is Tornado's, but for what the family ignores. */
export function sameExchange(actual: WebSocketExchange, expected: VectorConnection): boolean {
  const { status, fields } = readResponse(expected.response);
  if (actual.status !== status) return false;
  if (status === 426) return actual.fields["sec-websocket-version"] === fields["sec-websocket-version"];
  if (status !== 101) return true;
  return (
    equivalent(actual.fields, fields) &&
    equivalent(actual.events, expected.events) &&
    equivalent(withoutWording(actual.frames), withoutWording(expected.frames)) &&
    actual.open === expected.open
  );
}

export const family: Family = {
  functions,
  ignores:
    "of responses everything but the status and the fields of the handshake, of refusals whether the connection stays open, the wording of the reason with 1009, and the spacing of JSON",
  same: (actual, vector: VectorCase) =>
    vector.fn === "websocket.connection"
      ? sameExchange(actual as WebSocketExchange, vector.result as VectorConnection)
      : equivalent(actual, vector.result),
};
