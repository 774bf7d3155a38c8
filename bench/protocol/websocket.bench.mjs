// node bench/protocol/websocket.bench.mjs: what it costs to receive and to send a WebSocket message, without sockets. Build
// first: npm run build. The rows "as it came" are a copy of the chunk, which the other receiving rows include because masks are
// removed in place.
import { WebSocketConnection } from "../../dist/protocol/websocket/connection.js";
import { SyncDeflater, SyncInflater } from "../../dist/protocol/websocket/deflate-codec.js";
import { encodeFrame } from "../../dist/protocol/websocket/frame-encoder.js";
import { maskInPlace } from "../../dist/protocol/websocket/mask.js";
import { BOUNDARY, checkUtf8 } from "../../dist/protocol/websocket/utf8.js";
import { measure } from "./measure.mjs";

const N = 1000;
const KEY = 0x37fa213d;
const TEXT = 0x81;
const BINARY = 0x82;

let seen = 0;
const visitor = {
  onMessage(data) {
    seen += data.length;
  },
  onPing() {},
  onPong() {},
  onError(error) {
    throw error;
  },
  onClose() {},
};
const output = {
  send(data) {
    seen += data.length;
    return true;
  },
  cork() {},
  uncork() {},
  finish() {},
};
const open = (role, options = {}) =>
  new WebSocketConnection(role, visitor, output, { maxMessageSize: 10 * 1024 * 1024, ...options });

const times = (count, body) => () => {
  for (let i = 0; i < count; i++) body();
  return seen;
};

console.log("receiving, as a server:");
for (const [name, size, fill] of [
  ["32 B of text", 32, "x"],
  ["32 B of text outside ASCII", 32, "\u00e9"],
  ["1 KB of text", 1024, "x"],
  ["1 KB of text outside ASCII", 1024, "\u00e9"],
  ["64 KB of text", 65_536, "x"],
]) {
  const frame = encodeFrame(TEXT, Buffer.alloc(size, fill), KEY);
  const count = size > 10_000 ? 10 : N;
  const chunk = Buffer.allocUnsafeSlow(frame.length);
  const server = open("server");
  measure(
    `${name}, as it came`,
    count,
    times(count, () => frame.copy(chunk)),
  );
  measure(
    name,
    count,
    times(count, () => {
      frame.copy(chunk);
      server.receive(chunk);
    }),
  );
}
{
  const frame = encodeFrame(BINARY, Buffer.alloc(32), KEY);
  const chunk = Buffer.allocUnsafeSlow(frame.length);
  const server = open("server");
  measure(
    "32 B of bytes",
    N,
    times(N, () => {
      frame.copy(chunk);
      server.receive(chunk);
    }),
  );
  const ping = encodeFrame(0x89, "ping", KEY);
  measure(
    "a ping, and its pong",
    N,
    times(N, () => server.receive(Buffer.from(ping))),
  );
  const many = Buffer.concat(Array.from({ length: 100 }, () => encodeFrame(TEXT, "x".repeat(32), KEY)));
  measure(
    "32 B of text, a hundred in one chunk",
    100,
    times(1, () => server.receive(Buffer.from(many))),
  );
  measure(
    "32 B of text, octet by octet",
    N / 10,
    times(N / 10, () => {
      const copy = encodeFrame(TEXT, "x".repeat(32), KEY);
      for (let i = 0; i < copy.length; i++) server.receive(copy.subarray(i, i + 1));
    }),
  );
}
{
  const client = open("client");
  const frame = encodeFrame(TEXT, "x".repeat(32));
  measure(
    "32 B of text, as a client",
    N,
    times(N, () => client.receive(frame)),
  );
}

console.log("sending:");
for (const role of ["server", "client"]) {
  const connection = open(role);
  for (const [name, message] of [
    ["32 B of text", "x".repeat(32)],
    ["32 B of text outside ASCII", "\u00e9".repeat(16)],
    ["1 KB of text", "x".repeat(1024)],
    ["32 B of bytes", Buffer.alloc(32)],
    ["64 KB of bytes", Buffer.alloc(65_536)],
  ]) {
    const send =
      typeof message === "string" ? () => connection.text(message) : () => connection.binary(message);
    measure(`${name}, as a ${role}`, N, times(N, send));
  }
}

console.log("compression:");
{
  const parameters = { takeover: true, windowBits: 15 };
  const deflater = new SyncDeflater(parameters);
  const inflater = new SyncInflater(parameters);
  const message = JSON.stringify({
    id: 1,
    name: "a user",
    text: "a message of some words, as chats have them",
  });
  const server = open("server", { inflater });
  measure(
    `deflating ${message.length} B of JSON`,
    N,
    times(N, () => {
      seen += deflater.deflate(message).length;
    }),
  );
  const alone = new SyncDeflater({ takeover: false, windowBits: 15 });
  const frame = encodeFrame(TEXT | 0x40, alone.deflate(message), KEY);
  measure(
    `receiving ${message.length} B of JSON, compressed to ${frame.length} B`,
    N,
    times(N, () => server.receive(Buffer.from(frame))),
  );
}

console.log("functions:");
for (const size of [32, 64, 128, 256, 1024, 65_536]) {
  const data = Buffer.alloc(size);
  measure(
    `maskInPlace() of ${size} B`,
    N,
    times(N, () => maskInPlace(data, 0, size, KEY, 0)),
  );
}
for (const size of [32, 64, 1024, 65_536]) {
  const text = Buffer.alloc(size, "\u00e9");
  measure(
    `checkUtf8() of ${size} B outside ASCII`,
    N,
    times(N, () => checkUtf8(BOUNDARY, text, 0, size)),
  );
}
