// The same with IOStream's promises: a limit on a line, back-pressure, one read at a time.
import { TCPServer } from "../../dist/tcpserver.js";
import { announce } from "../lib/serve.mjs";

class LineEcho extends TCPServer {
  async handleStream(stream) {
    for (;;) await stream.write(await stream.readUntil("\n", { maxBytes: 65_536 }));
  }
}

const server = await new LineEcho().listen(0, "127.0.0.1");
announce(server.port);
