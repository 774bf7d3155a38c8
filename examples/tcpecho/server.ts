/**
 * An echo server: what a client sends comes back, line by line.
 *
 *     node build/examples/tcpecho/server.js          port 8007, or PORT=…
 *     node build/examples/tcpecho/client.js "hello"  or: nc localhost 8007
 *
 * A connection is a stream, and its handler a loop that awaits: read a line, write a line. Three things look after
 * themselves. A client that reads slowly makes `write()` wait, so nothing piles up here. One that leaves makes the read
 * reject with a `StreamClosedError`, which ends the handler and which the server takes for what it is. And a "line" that
 * never ends is cut off at 64 KiB.
 */
import type { IOStream } from "squall/iostream";
import { TCPServer } from "squall/tcpserver";

class EchoServer extends TCPServer {
  async handleStream(stream: IOStream) {
    for (;;) {
      const line = await stream.readUntil("\n", { maxBytes: 65_536 });
      await stream.write(line);
    }
  }
}

const server = await new EchoServer().listen(Number(process.env.PORT ?? 8007), "localhost");
console.log(`Echoing on localhost:${server.port} (Ctrl-C ends it)`);

async function stop() {
  await server.stop();
  await server.closeAllConnections({ timeout: 0 });
}
process.once("SIGINT", stop).once("SIGTERM", stop);
