/**
 * The end that is tested, as programs have it: a handler or a client's connection of squall that echoes, over a
 * network in memory and in virtual time, so that the silences of the suite cost nothing.
 */
import { TCPServer } from "squall/tcpserver";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application } from "squall/web";
import { type WebSocketClientConnection, WebSocketHandler, websocketConnect } from "squall/websocket";
import type { IOLoop } from "#room/async/ioloop";
import { acceptValue } from "#room/protocol/websocket/handshake/accept-key";
import { RawClient } from "../../support/raw-client.js";
import { pass } from "../../support/virtual-server.js";
import type { TestedEnd } from "./tester.js";

/** The size limit of the suite: the largest message has 16 MiB. */
const maxMessageSize = 16 * 1024 * 1024;

class Echo extends WebSocketHandler {
  override get maxMessageSize() {
    return maxMessageSize;
  }

  override getCompressionOptions() {
    return {};
  }

  override onMessage(message: string | Buffer) {
    return this.writeMessage(message);
  }
}

/** What came from the tested end, without being copied for each chunk. */
class Received {
  #pieces: Buffer[] = [];

  push(piece: Buffer): void {
    this.#pieces.push(Buffer.from(piece));
  }

  all(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }

  clear(): void {
    this.#pieces = [];
  }
}

/** Lets time pass, or for no time the tested end finish what it is about. */
async function wait(loop: IOLoop, seconds: number): Promise<void> {
  await pass(loop, seconds === 0 ? 1 : seconds * 1000);
}

/** Runs `test` with a handler of a server, after a handshake that offers these extensions. */
export function withServerEnd(
  extensions: string | undefined,
  test: (end: TestedEnd, answered: string) => Promise<void>,
): Promise<void> {
  return VirtualLoop.run(
    async (loop) => {
      const app = new Application([["/", Echo]], { logFunction() {} });
      const server = await app.listen(0, { address: "127.0.0.1" });
      const client = await RawClient.connect(loop, server.port!);
      client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        extensions === undefined ? "\r\n" : `Sec-WebSocket-Extensions: ${extensions}\r\n\r\n`,
      );
      const { headers } = await client.response();
      const received = new Received();
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => received.push(chunk));
      const answered = headers.find(
        ([name]) => name === "Sec-Websocket-Extensions" || name === "Sec-WebSocket-Extensions",
      );
      try {
        await test(
          {
            role: "server",
            write: (octets) => client.send(octets),
            wait: (seconds) => wait(loop, seconds),
            received: () => received.all(),
            forget: () => received.clear(),
            hasEnded: () => client.ended,
            end: () => client.end(),
          },
          answered?.[1] ?? "",
        );
      } finally {
        client.close();
        await server.stop();
        await server.closeAllConnections({ timeout: 0 });
      }
    },
    { network: new MemoryNetwork() },
  );
}

/** Runs `test` with a client, whose offer a bare server answers with these extensions. */
export function withClientEnd(
  extensions: string | undefined,
  test: (end: TestedEnd) => Promise<void>,
): Promise<void> {
  return VirtualLoop.run(
    async (loop) => {
      const received = new Received();
      let ended = false;
      let accept = (_end: TestedEnd) => {};
      const accepted = new Promise<TestedEnd>((resolve) => {
        accept = resolve;
      });
      class Bare extends TCPServer {
        override async handleStream(stream: Parameters<TCPServer["handleStream"]>[0]) {
          const head = String(await stream.readUntil("\r\n\r\n"));
          const key = /^Sec-WebSocket-Key: (.*)\r$/im.exec(head)![1]!;
          void stream.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
              `Sec-WebSocket-Accept: ${acceptValue(key)}\r\n` +
              `${extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`}\r\n`,
          );
          const finished = () => {
            ended = true;
          };
          stream.consume({
            onData: (chunk) => received.push(chunk),
            onFin: finished,
            onDrain() {},
            onClose: finished,
          });
          accept({
            role: "client",
            write: (octets) => void stream.write(octets),
            wait: (seconds) => wait(loop, seconds),
            received: () => received.all(),
            forget: () => received.clear(),
            hasEnded: () => ended,
            end: () => stream.end(),
          });
        }
      }
      const server = new Bare({ allowHalfOpen: true });
      await server.listen(0, "127.0.0.1");
      const connection: WebSocketClientConnection = await websocketConnect(`ws://127.0.0.1:${server.port}/`, {
        compressionOptions: extensions === undefined ? undefined : {},
        maxMessageSize,
        onMessageCallback: (message) =>
          message === undefined ? undefined : connection.writeMessage(message),
      });
      try {
        await test(await accepted);
      } finally {
        connection.wsConnection?.terminate();
        await server.stop();
        await server.closeAllConnections();
      }
    },
    { network: new MemoryNetwork() },
  );
}
