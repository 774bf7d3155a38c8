import { testRules } from "../rule-examples.js";
import { rules } from "./websocket.js";

const HEAD = {
  Host: "example.com",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** A connection: fields that are changed or added, and frames as hexadecimal digits, masked with zeros. */
function connection(
  changes: Readonly<Record<string, string>>,
  frames = "",
  tornado: { readonly open?: boolean; readonly close?: string } = {},
  kwargs: Readonly<Record<string, unknown>> = { compression: {} },
) {
  const fields = Object.entries({ ...HEAD, ...changes }).map(([name, value]) => `${name}: ${value}\r\n`);
  const payload = tornado.close === undefined ? undefined : Buffer.from(tornado.close, "hex");
  return {
    fn: "websocket.connection",
    args: [
      Buffer.from(`GET /ws HTTP/1.1\r\n${fields.join("")}\r\n`),
      [Buffer.from(frames.replaceAll(" ", ""), "hex")],
    ],
    kwargs,
    result: {
      response: Buffer.alloc(0),
      events: [],
      frames: payload === undefined ? [] : [{ fin: true, rsv1: false, opcode: 8, masked: false, payload }],
      open: tornado.open ?? false,
    },
  };
}

const offer = (parameters: string) =>
  connection({ "Sec-WebSocket-Extensions": `permessage-deflate${parameters}` });
const KEY = "00000000";
const text = (message: string) =>
  `81${(0x80 | message.length).toString(16)}${KEY}${Buffer.from(message).toString("hex")}`;

testRules("websocket", rules, {
  "websocket/host-in-any-case": {
    covers: [
      { fn: "websocket.check_origin", args: ["http://example.com", "Example.com"] },
      connection({ Host: "EXAMPLE.com", Origin: "http://example.com" }),
    ],
    leaves: [
      { fn: "websocket.check_origin", args: ["http://EXAMPLE.com", "example.com"] },
      { fn: "websocket.check_origin", args: ["http://other.com", "Example.com"] },
      connection({ Host: "EXAMPLE.com" }),
      connection({ Host: "EXAMPLE.com", Origin: "http://other.com" }),
    ],
  },
  "websocket/origin-has-a-scheme": {
    covers: [{ fn: "websocket.check_origin", args: ["", ""] }, connection({ Origin: "//example.com" })],
    leaves: [
      { fn: "websocket.check_origin", args: ["", "example.com"] },
      connection({ Origin: "null" }),
      connection({ Origin: "http://example.com" }),
    ],
  },
  "websocket/version-13-alone": {
    covers: [connection({ "Sec-WebSocket-Version": "8" }), connection({ "Sec-WebSocket-Version": "013" })],
    leaves: [connection({}), connection({ "Sec-WebSocket-Version": "8", Origin: "http://other.com" })],
  },
  "websocket/key-of-16-octets": {
    covers: [connection({ "Sec-WebSocket-Key": "x" })],
    leaves: [connection({ "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" })],
  },
  "websocket/handshake-grammar": {
    covers: [
      connection({ "Sec-WebSocket-Protocol": "" }),
      connection({ "Sec-WebSocket-Protocol": "a b" }),
      offer(";"),
      offer("; a="),
    ],
    leaves: [
      connection({ "Sec-WebSocket-Protocol": "a,, b" }),
      offer('; server_max_window_bits = "10"'),
      connection({}),
    ],
  },
  "websocket/deflate-parameters": {
    covers: [
      offer("; x"),
      offer("; server_max_window_bits"),
      offer("; server_max_window_bits=16, permessage-deflate"),
      { fn: "websocket._get_compressor_options", args: ["server", { server_max_window_bits: "x" }] },
    ],
    leaves: [
      offer(""),
      offer("; client_max_window_bits"),
      { fn: "websocket._get_compressor_options", args: ["server", { client_max_window_bits: null }] },
      {
        fn: "websocket._get_compressor_options",
        args: ["client", { client_max_window_bits: "" }],
        error: { type: "ValueError" },
      },
    ],
  },
  "websocket/takeover-is-answered": {
    covers: [offer("; server_no_context_takeover"), offer("; client_no_context_takeover")],
    leaves: [offer("; server_max_window_bits=10"), connection({})],
  },
  "websocket/failure-has-a-close-frame": {
    covers: [
      connection({}, `8b80${KEY}`),
      connection({}, `8181${KEY}ff`),
      connection({}, `8883${KEY}03e8ff`),
    ],
    leaves: [connection({}, text("hello")), connection({}, `8882${KEY}03e8`)],
  },
  "websocket/shortest-length": {
    covers: [
      connection({}, `81fe0005${KEY}68656c6c6f`, { open: true }),
      connection({}, `81fe0065${KEY}`, { close: "03f1" }),
    ],
    leaves: [
      connection({}, text("hello"), { open: true }),
      connection({}, `81ff0000000000f00000${KEY}`, { close: "03f1" }),
    ],
  },
  "websocket/close-codes": {
    covers: [connection({}, `8882${KEY}03ee`, { close: "03ee" })],
    leaves: [connection({}, `8882${KEY}03e8`, { close: "03e8" })],
  },
  "websocket/nothing-after-close": {
    covers: [connection({}, text("close") + text("hello"))],
    leaves: [connection({}, text("hello") + text("close"))],
  },
  "websocket/limit-is-for-messages": {
    covers: [connection({}, `8982${KEY}0000`, {}, { websocket_max_message_size: 1 })],
    leaves: [connection({}, `8981${KEY}00`, {}, { websocket_max_message_size: 1 })],
  },
  "websocket/pings-in-compressed-messages": {
    covers: [
      connection(
        { "Sec-WebSocket-Extensions": "permessage-deflate" },
        `4183${KEY}f248cd 8980${KEY} 8084${KEY}c9c90700`,
      ),
    ],
    leaves: [
      connection({ "Sec-WebSocket-Extensions": "permessage-deflate" }, `4183${KEY}f248cd 8084${KEY}c9c90700`),
      connection({}, `0181${KEY}61 8980${KEY} 8081${KEY}62`),
      connection({ "Sec-WebSocket-Extensions": "permessage-deflate" }, `8980${KEY}`),
    ],
  },
  "websocket/errors-close-with-1011": {
    covers: [connection({}, text("raise"))],
    leaves: [connection({}, text("hello"))],
  },
});
