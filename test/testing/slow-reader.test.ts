import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IOStream } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { type ExchangeResponse, exchangeOn } from "#room/testing/exchange";
import { pass } from "../support/virtual-server.js";
import "../support/guard.js";

interface Read {
  readonly response: ExchangeResponse;
  readonly body: string;
  readonly stream: IOStream;
}

/** Reads a response slowly, whose server sends the pieces one by one and then its FIN. */
async function readSlowly(
  pieces: readonly string[],
  allowHalfOpen: boolean,
  keepAlive: boolean,
): Promise<Read> {
  const network = new MemoryNetwork();
  return VirtualLoop.run(
    async (loop) => {
      const [ours, server] = network.pair();
      const stream = new IOStream(ours, { allowHalfOpen });
      server.resume();
      for (const piece of pieces) server.write(piece);
      server.end();
      let body = "";
      const response = await exchangeOn(stream, {
        url: "http://x/",
        keepAlive,
        onBody: async (chunk) => {
          await pass(loop, 100);
          body += chunk.toString("latin1");
        },
      });
      return { response, body, stream };
    },
    { network },
  );
}

describe("exchangeOn() with a reader that is slower than the server", () => {
  for (const allowHalfOpen of [false, true]) {
    const what = allowHalfOpen ? "that stays open for writing" : "that closes with the server's FIN";

    test(`reads a body to its end on a stream ${what}`, async () => {
      const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
      assert.equal(
        (await readSlowly([`${head}12`, "345678", "90"], allowHalfOpen, false)).body,
        "1234567890",
      );
      assert.equal((await readSlowly([`${head}1234567890`], allowHalfOpen, true)).body, "1234567890");
      const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n";
      assert.equal((await readSlowly([chunked, "1\r\n3\r\n0\r\n\r\n"], allowHalfOpen, false)).body, "123");
      const untilClose = "HTTP/1.1 200 OK\r\n\r\n12";
      assert.equal((await readSlowly([untilClose, "34"], allowHalfOpen, false)).body, "1234");
    });

    test(`tells that a connection whose server has left is not reusable, on a stream ${what}`, async () => {
      const { response, stream } = await readSlowly(
        ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n12"],
        allowHalfOpen,
        true,
      );
      // Its FIN came with the last octets or right behind them.
      if (response.reusable) assert.equal(stream.finReceived, false);
      else assert.ok(stream.closed());
    });
  }
});
