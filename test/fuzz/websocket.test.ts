/**
 * WebSocket connections beside their plain twin: frames of all kinds, spoilt in places and cut anywhere, and
 * handshakes made of the right pieces in the wrong order.
 */
import assert from "node:assert/strict";
import { SyncDeflater, SyncInflater } from "#room/protocol/websocket/deflate-codec";
import { parseExtensions } from "#room/protocol/websocket/handshake/extensions";
import {
  acceptOffer,
  resolveCompressionOptions,
} from "#room/protocol/websocket/handshake/permessage-deflate";
import { RecordedConnection, type Told } from "../support/websocket.js";
import { TwinDeflate, type TwinEvent, twinEvents, twinFrame, twinFrames } from "../support/websocket-twin.js";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";

const MAX = 2000;
const LENGTHS = [0, 1, 2, 3, 5, 60, 124, 125, 126, 127, 300, 1999, 2000, 2001];
const TEXTS = ["", "Hello", "h\u00e9\u2603\u{1f600}", "\u00e9".repeat(70), "x".repeat(130)];

function payloadOf(random: Random, opcode: number): Buffer {
  if (opcode === 8) {
    const code = random.pick([1000, 1001, 1005, 1014, 1015, 2999, 3000, 4999, 5000]);
    const payload = Buffer.concat([
      Buffer.of(code >> 8, code & 255),
      Buffer.from(random.pick(TEXTS)).subarray(0, 123),
    ]);
    return payload.subarray(0, random.chance(0.2) ? random.below(3) : payload.length);
  }
  if (random.chance(0.6)) return Buffer.from(random.pick(TEXTS)).subarray(0, opcode > 8 ? 125 : undefined);
  return random.bytes(Math.min(random.pick(LENGTHS), opcode > 8 ? 125 : 3000));
}

/**
 * A conversation that is well-formed for a while: messages in fragments, with control frames between them.
 */
function conversation(random: Random, isMasked: boolean, deflate: TwinDeflate | undefined): Buffer {
  const frames: Buffer[] = [];
  const frame = (opcode: number, payload: Buffer, fin: boolean, rsv: number) =>
    frames.push(twinFrame(opcode, payload, { fin, rsv, key: isMasked ? random.bytes(4) : undefined }));
  for (let count = random.below(6); count > 0; count--) {
    const opcode = random.pick([1, 1, 2]);
    const isPacked = deflate !== undefined && random.chance(0.5);
    const message =
      opcode === 1 ? Buffer.from(random.pick(TEXTS)) : random.bytes(random.pick([0, 5, 130, 1000]));
    const pieces = random.cut(isPacked ? deflate.deflate(message) : message);
    if (random.chance(0.2)) pieces.push(Buffer.alloc(0));
    if (pieces.length === 0) pieces.push(Buffer.alloc(0));
    for (const [i, piece] of pieces.entries()) {
      frame(i === 0 ? opcode : 0, piece, i === pieces.length - 1, i === 0 && isPacked ? 4 : 0);
      if (random.chance(0.1)) frame(random.pick([9, 10]), random.bytes(random.below(126)), true, 0);
    }
  }
  return Buffer.concat(frames);
}

/** Frames without regard to what may follow what. */
function jumble(random: Random, isMasked: boolean): Buffer {
  return Buffer.concat(
    random.list(random.below(6), () => {
      const opcode = random.pick([0, 1, 2, 8, 9, 10, 1, 2, random.below(16)]);
      return twinFrame(opcode, payloadOf(random, opcode), {
        fin: random.chance(0.7),
        rsv: random.chance(0.8) ? 0 : random.below(8),
        key: random.chance(0.95) === isMasked ? random.bytes(4) : undefined,
      });
    }),
  );
}

function asEvents(told: readonly Told[], code: number | undefined): TwinEvent[] {
  const events: TwinEvent[] = [];
  for (const one of told) {
    if (one[0] === "text") events.push(["text", Buffer.from(one[1]).toString("hex")]);
    else if (one[0] === "error") return [...events, ["violation", code!]];
    else if (one[0] === "close") return [...events, ["close", one[1], one[2]]];
    else if (one[0] !== "finish") events.push([one[0], one[1]]);
  }
  return events;
}

let violations = 0;
let closes = 0;
let messages = 0;

fuzz(
  "a connection sees in any bytes what a plain reading sees",
  {
    runs: 800,
    summary: () => `${messages} messages, ${closes} close frames, ${violations} violations.`,
  },
  (random) => {
    const role = random.pick(["server", "client"] as const);
    // A message that is damaged may end inside a block. What zlib then makes of the next one is not defined,
    // and the twin begins each message anew: so the window is kept only where nothing is damaged.
    const isDamaged = random.chance(0.5);
    const takeover = !isDamaged && random.chance(0.5);
    const windowBits = random.between(9, 15);
    const isCompressed = random.chance(0.5);
    const deflate = () => (isCompressed ? new TwinDeflate(takeover, windowBits) : undefined);
    const bytes = Buffer.concat([
      conversation(random, role === "server", deflate()),
      isDamaged ? jumble(random, role === "server") : Buffer.alloc(0),
    ]);
    if (isDamaged && random.chance(0.5) && bytes.length > 0)
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    const expected = twinEvents(bytes, role, MAX, deflate());
    const recorded = new RecordedConnection(role, {
      maxMessageSize: MAX,
      ...(isCompressed ? { inflater: new SyncInflater({ takeover, windowBits }) } : {}),
    });
    const pauses = random.chance(0.3);
    recorded.onCall = () => {
      if (pauses && random.chance(0.5)) recorded.connection.pause();
    };
    for (const piece of random.cut(bytes)) {
      recorded.connection.receive(piece);
      if (random.chance(0.5)) recorded.connection.resume();
    }
    while (recorded.connection.paused && recorded.connection.waitingBytes > 0) recorded.connection.resume();
    assert.deepEqual(
      asEvents(recorded.told, recorded.errors[0]?.closeCode),
      expected,
      `${role}, ${windowBits}, ${takeover}: ${recorded.errors[0]?.cause}`,
    );
    for (const [kind] of expected) {
      if (kind === "violation") violations++;
      else if (kind === "close") closes++;
      else if (kind !== "ping" && kind !== "pong") messages++;
    }
    // What was sent is well-formed: pongs in order, at most one close frame, and nothing behind it.
    const { frames, rest } = twinFrames(recorded.takeSent());
    assert.equal(rest.length, 0);
    const isEnded = expected.at(-1)?.[0] === "close" || expected.at(-1)?.[0] === "violation";
    assert.deepEqual(
      frames.map(({ opcode }) => opcode),
      [...expected.filter(([kind]) => kind === "ping").map(() => 10), ...(isEnded ? [8] : [])],
    );
    assert.ok(frames.every(({ isMasked }) => isMasked === (role === "client")));
  },
);

fuzz("what one connection sends another receives, in every agreement", { runs: 60 }, (random) => {
  const agreement = () => ({ takeover: random.chance(0.5), windowBits: random.between(8, 15) });
  const [up, down] = [agreement(), agreement()];
  const isCompressed = random.chance(0.7);
  const client = new RecordedConnection("client", {
    ...(isCompressed ? { deflater: new SyncDeflater(up), inflater: new SyncInflater(down) } : {}),
  });
  const server = new RecordedConnection("server", {
    ...(isCompressed ? { deflater: new SyncDeflater(down), inflater: new SyncInflater(up) } : {}),
  });
  for (let turn = random.below(10); turn > 0; turn--) {
    const [from, to] = random.chance(0.5) ? [client, server] : [server, client];
    const compress = random.chance(0.8);
    const text = random.list(random.below(40), () => random.pick(TEXTS)).join(" ");
    const bytes = random.bytes(random.pick([0, 5, 125, 126, 20_000, 70_000]));
    from.connection.text(text, compress);
    from.connection.binary(bytes, compress);
    from.connection.ping(random.text("ab", random.below(126)));
    for (const piece of random.cut(from.takeSent())) to.connection.receive(piece);
    assert.deepEqual(to.takeTold().slice(0, 2), [
      ["text", text],
      ["binary", bytes.toString("hex")],
    ]);
    for (const piece of random.cut(to.takeSent())) from.connection.receive(piece);
    assert.deepEqual(
      from.takeTold().map(([kind]) => kind),
      ["pong"],
    );
  }
  client.connection.close(4000, "done");
  server.connection.receive(client.takeSent());
  client.connection.receive(server.takeSent());
  assert.deepEqual(server.told.at(-1), ["close", 4000, "done"]);
  assert.deepEqual(client.told, [
    ["finish", "peers"],
    ["close", 4000, ""],
  ]);
});

const PIECES = [
  "permessage-deflate",
  "x-other",
  "; server_no_context_takeover",
  ";client_no_context_takeover",
  "; client_max_window_bits",
  "=10",
  "=8",
  '="15"',
  "=16",
  "; server_max_window_bits=9",
  ",",
  ", ",
  " ",
  ";",
  '"',
  "\\",
  "=",
];

fuzz("any extension field is read or refused, and an answer keeps to its offer", { runs: 2000 }, (random) => {
  const text = random.list(random.below(12), () => random.pick(PIECES)).join("");
  const offers = parseExtensions(text);
  if (offers === undefined) return;
  assert.ok(offers.length > 0 && offers.every(({ name }) => /^[\w-]+$/.test(name)), text);
  const accepted = acceptOffer(offers, resolveCompressionOptions());
  if (accepted === undefined) return;
  const isPossible = offers.some(({ name, parameters }) => {
    const names = parameters.map((parameter) => parameter.name);
    return (
      name === "permessage-deflate" &&
      new Set(names).size === names.length &&
      accepted.answer.parameters.every((answer) => names.includes(answer.name))
    );
  });
  assert.ok(isPossible, text);
});
