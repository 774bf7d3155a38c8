/** The system's network where the system says less of itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IOStream } from "squall/iostream";
import { TCPServer } from "squall/tcpserver";
import { canHideProc, withoutProc } from "../support/without-proc.js";

// The only test of its file: the limit is read once in a process.
test("without /proc the limit of descriptors is unknown, and connections are served all the same", {
  skip: !canHideProc,
}, async () => {
  class Hello extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.write("hello\n");
      stream.close();
    }
  }
  await withoutProc(async (asked) => {
    const server = await new Hello().listen(0, "127.0.0.1");
    for (let round = 1; round <= 3; round++) {
      const client = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
      assert.equal(String(await client.readUntil("\n", { timeout: 10_000 })), "hello\n");
      client.close();
    }
    assert.equal(asked(), 1);
    await server.stop();
  });
});
