/**
 * A second opinion on the vectors of `websocket`: it reads a request and its frames anew, by RFC 6455 and RFC
 * 7692, with regular expressions and the plain twin, without any code of the server, and says what is owed.
 * Where Tornado's answer differs, the theme of the first difference decides which rule covers the case.
 */
import { TwinDeflate, twinEvents, twinFrames } from "../support/websocket-twin.js";
import { answerMessage, RaisedError, selectSubprotocol, type VectorEvent } from "./apps/websocket.js";
import type { VectorConnection } from "./families/websocket.js";
import type { VectorCase } from "./types.js";
import type { SentFrame, WebSocketExchange } from "./websocket-exchange.js";

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const BLANK = "[ \\t]*";
const EXTENSION = `${TOKEN}(?:${BLANK};${BLANK}${TOKEN}(?:${BLANK}=${BLANK}(?:${TOKEN}|"${TOKEN}"))?)*`;
const list = (element: string) =>
  new RegExp(`^(?:${BLANK},)*${BLANK}${element}(?:${BLANK},${BLANK}(?:${element})?)*$`);
const PROTOCOLS = list(TOKEN);
const EXTENSIONS = list(EXTENSION);
const PARAMETER =
  /^(?:server_no_context_takeover|client_no_context_takeover|server_max_window_bits=(?:8|9|1[0-5])|client_max_window_bits(?:=(?:8|9|1[0-5]))?)$/;

/** Parameters of permessage-deflate as a text of `name` or `name=value` each. */
type Parameters = readonly string[];

/** What is owed for a case, and the theme under which Tornado is known to differ, if there is one. */
export interface Reading {
  readonly owed: WebSocketExchange;
  readonly theme: string | undefined;
}

interface Handshake {
  readonly status: number;
  readonly theme?: string | undefined;
  readonly subprotocols?: readonly string[];
  readonly agreed?: Parameters | undefined;
}

/** Whether an offer can be accepted (RFC 7692 §7.1). */
export function isUsable(parameters: Parameters): boolean {
  const names = parameters.map((one) => one.split("=")[0]);
  return parameters.every((one) => PARAMETER.test(one)) && new Set(names).size === names.length;
}

function readHandshake(request: Buffer, hasCompression: boolean): Handshake {
  const [start = "", ...lines] = request.toString("latin1").split("\r\n\r\n", 1)[0]!.split("\r\n");
  const all = (name: string) =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trim());
  const has = (name: string, token: string) =>
    all(name).some((value) =>
      value
        .toLowerCase()
        .split(",")
        .some((one) => one.trim() === token),
    );
  const [host] = all("host");
  if (host === undefined) return { status: 400 };
  if (!start.startsWith("GET ")) return { status: 405 };
  if (!has("upgrade", "websocket") || !has("connection", "upgrade")) return { status: 400 };
  const origin = all("origin")[0] ?? all("sec-websocket-origin")[0];
  if (origin !== undefined) {
    const authority = /^[a-z]+:\/\/([^/?#]+)/i.exec(origin)?.[1];
    if (authority?.toLowerCase() !== host.toLowerCase()) {
      return { status: 403, theme: origin.startsWith("//") ? "websocket/origin-has-a-scheme" : undefined };
    }
  }
  const theme =
    origin !== undefined && host !== host.toLowerCase() ? "websocket/host-in-any-case" : undefined;
  if (all("sec-websocket-version")[0] !== "13") return { status: 426, theme: "websocket/version-13-alone" };
  if (!/^[A-Za-z0-9+/]{22}==$/.test(all("sec-websocket-key")[0] ?? "")) {
    return { status: 400, theme: "websocket/key-of-16-octets" };
  }
  for (const [name, grammar] of [
    ["sec-websocket-protocol", PROTOCOLS],
    ["sec-websocket-extensions", EXTENSIONS],
  ] as const) {
    const values = all(name);
    if (values.length > 0 && !grammar.test(values.join(",")))
      return { status: 400, theme: "websocket/handshake-grammar" };
  }
  const subprotocols = all("sec-websocket-protocol")
    .join(",")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  const offers = all("sec-websocket-extensions")
    .join(",")
    .split(",")
    .map((one) => one.split(";").map((part) => part.replace(/["\s]/g, "")))
    .filter(([name]) => hasCompression && name === "permessage-deflate")
    .map(([, ...parameters]) => parameters);
  const agreed = offers.find(isUsable);
  const isDeclined = offers.some((parameters) => !isUsable(parameters));
  const hasTakeover = agreed?.some((one) => one.endsWith("_no_context_takeover"));
  return {
    status: 101,
    theme: isDeclined
      ? "websocket/deflate-parameters"
      : hasTakeover
        ? "websocket/takeover-is-answered"
        : theme,
    subprotocols,
    agreed,
  };
}

/** What one direction of the connection has agreed to. */
function contextOf(side: "server" | "client", agreed: Parameters): TwinDeflate {
  const bits = agreed.find((one) => one.startsWith(`${side}_max_window_bits=`))?.split("=")[1];
  return new TwinDeflate(!agreed.includes(`${side}_no_context_takeover`), Number(bits ?? 15));
}

/** Whether a ping comes between the fragments of a compressed message. */
function hasPingInside(input: Buffer): boolean {
  let isPacked = false;
  for (const { opcode, rsv, fin } of twinFrames(input).frames) {
    if (opcode === 9 && isPacked) return true;
    if (opcode < 8) isPacked = !fin && (isPacked || rsv === 4);
  }
  return false;
}

/** The frames and events that the application's answers make of what came. */
function converse(
  pieces: readonly Buffer[],
  limit: number,
  agreed: Parameters | undefined,
): { events: VectorEvent[]; frames: SentFrame[]; open: boolean; themes: Set<string> } {
  const events: VectorEvent[] = [];
  const frames: SentFrame[] = [];
  const themes = new Set<string>();
  let isClosing = false;
  const send = (opcode: number, payload: Uint8Array | string, rsv1 = false) =>
    void frames.push({ fin: true, rsv1, opcode, masked: false, payload: Buffer.from(payload as string) });
  const close = (code?: number, reason = "") => {
    if (isClosing) return;
    isClosing = true;
    const sent = code ?? (reason === "" ? undefined : 1000);
    send(8, sent === undefined ? "" : Buffer.concat([Buffer.of(sent >> 8, sent & 255), Buffer.from(reason)]));
  };
  const socket = {
    text: (data: string) => send(1, data, agreed !== undefined),
    binary: (data: Uint8Array) => send(2, data, agreed !== undefined),
    ping: (data: string) => send(9, data),
    close,
  };
  const message = (data: string | Buffer) => {
    if (isClosing) {
      themes.add("websocket/nothing-after-close");
      return;
    }
    events.push(["message", data]);
    try {
      answerMessage(socket, data);
    } catch (error) {
      if (!(error instanceof RaisedError)) throw error;
      themes.add("websocket/errors-close-with-1011");
      close(1011);
    }
  };
  const inflater = agreed && contextOf("client", agreed);
  const isInside = agreed !== undefined && hasPingInside(Buffer.concat(pieces));
  for (const event of twinEvents(Buffer.concat(pieces), "server", limit, inflater)) {
    switch (event[0]) {
      case "text":
        message(Buffer.from(event[1], "hex").toString());
        break;
      case "binary":
        message(Buffer.from(event[1], "hex"));
        break;
      case "ping": {
        const data = Buffer.from(event[1], "hex");
        if (data.length > limit) themes.add("websocket/limit-is-for-messages");
        if (isInside) themes.add("websocket/pings-in-compressed-messages");
        send(10, data);
        events.push(["ping", data]);
        break;
      }
      case "pong":
        events.push(["pong", Buffer.from(event[1], "hex")]);
        break;
      case "close":
        close(event[1] === 1005 ? undefined : event[1]);
        events.push(["close", event[1] === 1005 ? null : event[1], event[2] === "" ? null : event[2]]);
        return { events, frames, open: false, themes };
      default:
        themes.add(`violation ${event[1]}`);
        close(event[1]);
        events.push(["close", null, null]);
        return { events, frames, open: false, themes };
    }
  }
  return { events, frames, open: true, themes };
}

/** Where Tornado is known to differ in what it makes of frames. */
function frameTheme(themes: ReadonlySet<string>, tornado: VectorConnection): string | undefined {
  const violation = [...themes].find((theme) => theme.startsWith("violation"));
  if (violation === undefined) return [...themes][0];
  const close = (tornado.frames ?? []).find(({ opcode }) => opcode === 8);
  if (close === undefined) {
    return tornado.open ? "websocket/shortest-length" : "websocket/failure-has-a-close-frame";
  }
  const isTooBig = close.payload.length >= 2 && close.payload.readUInt16BE() === 1009;
  if (!isTooBig) return "websocket/close-codes";
  // Tornado sees the size of a frame and not the form of its length.
  return violation === "violation 1009" ? undefined : "websocket/shortest-length";
}

/** Reads a case. */
export function readConnection(vector: VectorCase): Reading {
  const [request, pieces] = vector.args as readonly [Buffer, readonly Buffer[]];
  const { compression, websocket_max_message_size: limit = 10_485_760 } = vector.kwargs;
  const tornado = vector.result as VectorConnection;
  const handshake = readHandshake(request, compression !== undefined && compression !== null);
  if (handshake.status !== 101) {
    const owed = { status: handshake.status, fields: {}, events: [], frames: [], open: undefined };
    return { owed, theme: handshake.theme };
  }
  const { subprotocols = [], agreed } = handshake;
  const { events, frames, open, themes } = converse(pieces, limit as number, agreed);
  const subprotocol = selectSubprotocol(subprotocols);
  return {
    owed: {
      status: 101,
      fields: {},
      events: [["select_subprotocol", subprotocols], ["open", subprotocol ?? null], ...events],
      frames,
      open,
    },
    theme: handshake.theme ?? frameTheme(themes, tornado),
  };
}
