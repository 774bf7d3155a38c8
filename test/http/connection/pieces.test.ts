/** The pieces in which a body reaches its delegate: never longer than chunkSize, whatever else happens. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTPServerConnectionDelegate } from "squall/httputil";
import "../../support/guard.js";
import { pass, withServer } from "../../support/virtual-server.js";

const BODY = "0123456789".repeat(5);

async function piecesOf(wait: boolean, send: readonly string[], chunkSize: number): Promise<string[]> {
  const pieces: string[] = [];
  const app: HTTPServerConnectionDelegate = {
    startRequest: (_server, connection) => ({
      headersReceived: () => (wait ? pass(connection.ioLoop, 5) : undefined),
      dataReceived(chunk) {
        pieces.push(chunk.toString());
        return wait ? pass(connection.ioLoop, 5) : undefined;
      },
      finish: () => void pieces.push("finish"),
      onConnectionClose() {},
    }),
  };
  await withServer(app, { chunkSize }, async ({ connect, loop }) => {
    const client = await connect();
    for (const piece of send) {
      client.send(piece);
      await pass(loop, 1);
    }
    await pass(loop, 1000);
  });
  return pieces;
}

describe("a body in pieces", () => {
  const whole = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n${BODY}`;
  const chunked = `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n${BODY}\r\n0\r\n\r\n`;

  for (const wait of [false, true]) {
    const how = wait ? "while its delegate makes the client wait" : "without waiting";
    test(`has no piece longer than chunkSize, counted from its own octets, ${how}`, async () => {
      for (const text of [whole, chunked]) {
        const pieces = await piecesOf(wait, [text], 16);
        assert.deepEqual(
          pieces.map((piece) => piece.length),
          [16, 16, 16, 2, "finish".length],
        );
        assert.equal(pieces.slice(0, -1).join(""), BODY);
      }
    });

    test(`is whole however it arrives, ${how}`, async () => {
      for (let cut = whole.length - 50; cut < whole.length; cut += 7) {
        const pieces = await piecesOf(wait, [whole.slice(0, cut), whole.slice(cut)], 16);
        assert.equal(pieces.pop(), "finish");
        assert.ok(pieces.every((piece) => piece.length <= 16));
        assert.equal(pieces.join(""), BODY);
      }
    });
  }
});
