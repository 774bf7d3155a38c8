/** A client and scripted servers on a network in memory, in virtual time. */
import { once } from "node:events";
import { type AsyncHTTPClientOptions, SimpleAsyncHTTPClient } from "squall/httpclient";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { NetworkSocket } from "#room/async/network";

/** One connection, seen from the server. */
export interface Peer {
  readonly socket: NetworkSocket;
  /** All that has come on this connection. */
  received: string;
  /** Resolves with the next request, head and body of known length, and takes it off `pending`. */
  request(): Promise<string>;
  /** Sends octets. */
  send(text: string | Buffer): void;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
}

/** What a test gets. */
export interface World {
  readonly loop: VirtualLoop;
  readonly network: MemoryNetwork;
  readonly client: SimpleAsyncHTTPClient;
  /** Listens; `serve` is called for each connection. Returns the port. */
  listen(serve: (peer: Peer, index: number) => void | Promise<void>, host?: string): Promise<number>;
}

/** A whole response with a body. */
export function ok(body = "ok", more = ""): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
}

/** A response without a body. */
export function head(status: string, more = ""): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n${more}\r\n`;
}

function cutRequest(text: string): string | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const fields = text.slice(0, end);
  if (/^transfer-encoding: *chunked/im.test(fields)) {
    const last = text.indexOf("0\r\n\r\n", end + 4);
    return last < 0 ? undefined : text.slice(0, last + 5);
  }
  const length = Number(/^content-length: *(\d+)/im.exec(fields)?.[1] ?? 0);
  if (/^expect: *100/im.test(fields)) return text.slice(0, end + 4);
  return text.length >= end + 4 + length ? text.slice(0, end + 4 + length) : undefined;
}

function makePeer(socket: NetworkSocket): Peer {
  let pending = "";
  const peer: Peer = {
    socket,
    received: "",
    async request() {
      for (;;) {
        const request = cutRequest(pending);
        if (request !== undefined) {
          pending = pending.slice(request.length);
          return request;
        }
        await once(socket, "data");
      }
    },
    send: (text) => void socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text),
    closed: new Promise((resolve) => socket.once("close", () => resolve())),
  };
  socket.on("data", (chunk: Buffer) => {
    peer.received += chunk.toString("latin1");
    pending += chunk.toString("latin1");
  });
  socket.on("end", () => socket.end());
  socket.on("error", () => {});
  return peer;
}

/** Runs a test. */
export function withClient(
  options: AsyncHTTPClientOptions,
  test: (world: World) => Promise<void>,
  network: MemoryNetwork = new MemoryNetwork(),
): Promise<void> {
  return VirtualLoop.run(
    async (loop) => {
      const client = new SimpleAsyncHTTPClient({ ...options, forceInstance: true });
      const servers: { close(): unknown }[] = [];
      const sockets: NetworkSocket[] = [];
      try {
        await test({
          loop,
          network,
          client,
          async listen(serve, host = "127.0.0.1") {
            const server = await network.listen({ host, port: 0 });
            servers.push(server);
            let index = 0;
            server.accept(
              (socket) => {
                sockets.push(socket);
                void serve(makePeer(socket), index++);
              },
              (error) => {
                throw error;
              },
            );
            return (server.address as { port: number }).port;
          },
        });
      } finally {
        client.close();
        for (const socket of sockets) socket.destroy();
        for (const server of servers) await server.close();
      }
    },
    { network },
  );
}

/** A server that answers every request on every connection with what `answer` makes of it. */
export function answering(
  answer: (request: string, index: number) => string | Buffer,
): (peer: Peer) => Promise<void> {
  let index = 0;
  return async (peer) => {
    for (;;) {
      const request = await peer.request();
      peer.send(answer(request, index++));
    }
  };
}
