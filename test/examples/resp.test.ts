/** The RESP2 reader of the Redis client: what it takes, and what it refuses. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { IOStream, StreamClosedError } from "squall/iostream";
import { TCPServer } from "squall/tcpserver";
import {
  encodeCommand,
  ProtocolError,
  RedisError,
  type Reply,
  readReply,
} from "../../examples/redis-client/resp.js";
import "../support/guard.js";

/** Sends these pieces over a connection, one after the other, and then ends it. */
async function receive(context: TestContext, pieces: readonly (string | Buffer)[]): Promise<IOStream> {
  class Sender extends TCPServer {
    override async handleStream(stream: IOStream) {
      for (const piece of pieces) {
        await stream.write(piece);
        await stream.drained();
      }
      stream.end();
    }
  }
  const server = await new Sender().listen(0, "127.0.0.1");
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port as number });
  context.after(async () => {
    stream.close();
    await server.stop();
  });
  return stream;
}

const ok: readonly (readonly [string, Reply])[] = [
  ["+OK\r\n", "OK"],
  ["+\r\n", ""],
  [":0\r\n", 0],
  [":-17\r\n", -17],
  [":+5\r\n", 5],
  [":9223372036854775807\r\n", 9223372036854775807n],
  ["$0\r\n\r\n", Buffer.from("")],
  ["$6\r\na\r\nb\r\n\r\n", Buffer.from("a\r\nb\r\n")],
  ["$-1\r\n", null],
  ["*0\r\n", []],
  ["*-1\r\n", null],
  ["*3\r\n:1\r\n*1\r\n$2\r\nhi\r\n$-1\r\n", [1, [Buffer.from("hi")], null]],
  ["*2\r\n-ERR no\r\n+yes\r\n", [new RedisError("ERR no"), "yes"]],
];

describe("readReply()", () => {
  test("reads every type, whole and byte by byte", async (context) => {
    const text = ok.map(([sent]) => sent).join("");
    for (const pieces of [[text], [...text]]) {
      const stream = await receive(context, pieces);
      for (const [sent, reply] of ok) assert.deepEqual(await readReply(stream), reply, JSON.stringify(sent));
      await assert.rejects(readReply(stream), StreamClosedError);
    }
  });

  test("an error of Redis is a value with its message", async (context) => {
    const reply = await readReply(await receive(context, ["-WRONGTYPE not a list\r\n"]));
    assert.ok(reply instanceof RedisError);
    assert.equal(reply.message, "WRONGTYPE not a list");
  });

  for (const sent of [
    "hello\r\n",
    "\r\n",
    ":\r\n",
    ":1.5\r\n",
    ": 1\r\n",
    ":0x10\r\n",
    ":12345678901234567890\r\n",
    "$\r\n",
    "$-2\r\n",
    "$+1\r\nx\r\n",
    "$1 \r\nx\r\n",
    "$99999999999\r\n",
    "$536870913\r\n",
    "$2\r\nabcd\r\n",
    "$2\r\nab\n\n",
    "*1048577\r\n",
    "*1\r\n?\r\n",
    "+a\rb\r\n",
    "+a\nb\r\n",
    "*1\r\n".repeat(20),
  ]) {
    test(`refuses ${JSON.stringify(sent)}`, async (context) => {
      const stream = await receive(context, [sent]);
      await assert.rejects(readReply(stream), ProtocolError);
    });
  }

  test("a reply that is cut off is no reply", async (context) => {
    for (const sent of ["+OK", "$5\r\nhel", "*2\r\n:1\r\n", ""]) {
      await assert.rejects(readReply(await receive(context, [sent])), StreamClosedError);
    }
  });
});

describe("encodeCommand()", () => {
  test("counts bytes, not characters, and takes bytes as they are", () => {
    assert.equal(encodeCommand(["SET", "ä", 12]).toString(), "*3\r\n$3\r\nSET\r\n$2\r\nä\r\n$2\r\n12\r\n");
    assert.deepEqual(encodeCommand([new Uint8Array([13, 10])]), Buffer.from("*1\r\n$2\r\n\r\n\r\n"));
  });
});
