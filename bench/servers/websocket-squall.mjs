// An echo on WebSockets with everything on that is on by default; DEFLATE=1 turns compression on. "broadcast N" sends N times
// to all that are open.
import { Application } from "../../dist/web.js";
import { broadcast, WebSocketHandler } from "../../dist/websocket.js";
import { announce } from "../lib/serve.mjs";

const open = new Set();

class Echo extends WebSocketHandler {
  getCompressionOptions() {
    return process.env.DEFLATE === "1" ? {} : undefined;
  }
  open() {
    open.add(this);
  }
  onMessage(message) {
    return this.writeMessage(message);
  }
  onClose() {
    open.delete(this);
  }
}

const settings = { websocketMaxMessageSize: 16 * 1024 * 1024, logFunction() {} };
const server = await new Application([["/", Echo]], settings).listen(0, { address: "127.0.0.1" });
announce(server.port, (text) => broadcast(open, text));
