/** A server of WebSocket handlers on a virtual loop and a network in memory, and ways to speak to it. */

import type { HTTPServerOptions } from "squall/httpserver";
import { Application, type ApplicationSettings, type Routes } from "squall/web";
import {
  type WebSocketClientConnection,
  type WebSocketConnectOptions,
  websocketConnect,
} from "squall/websocket";
import type { RawClient, RawResponse } from "./raw-client.js";
import { pass, type VirtualServer, withServer } from "./virtual-server.js";
import { type TwinFrame, twinFrame, twinFrames } from "./websocket-twin.js";

/** The key of RFC 6455 §1.3. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

/** A client of raw frames, after the handshake. */
export class RawWebSocket {
  readonly client: RawClient;
  readonly response: RawResponse;

  constructor(client: RawClient, response: RawResponse) {
    this.client = client;
    this.response = response;
  }

  /** Sends a masked frame. */
  send(
    opcode: number,
    payload: string | Uint8Array = "",
    options: { fin?: boolean; rsv?: number } = {},
  ): void {
    this.client.send(twinFrame(opcode, Buffer.from(payload), { fin: true, ...options, key: MASK }));
  }

  /** The next frame; undefined when the connection has ended before one. */
  async frame(): Promise<TwinFrame | undefined> {
    await this.client.whenReceived((received) => twinFrames(received).frames.length > 0);
    const { frames } = twinFrames(this.client.received);
    const [first] = frames;
    if (first === undefined) return undefined;
    const size = this.client.received.length - twinFrames(this.client.received).rest.length;
    // Frames behind the first stay: a server's frame has no mask, so its size follows from its payload.
    const own =
      first.payload.length + (first.payload.length < 126 ? 2 : first.payload.length < 65_536 ? 4 : 10);
    this.client.received = this.client.received.subarray(frames.length === 1 ? size : own);
    return first;
  }

  /** The code of the close frame that comes next; undefined if it has none. */
  async closeCode(): Promise<number | undefined> {
    for (;;) {
      const next = await this.frame();
      if (next === undefined) throw new Error("the connection ended without a close frame");
      if (next.opcode === 8) return next.payload.length < 2 ? undefined : next.payload.readUInt16BE();
    }
  }
}

/** What a test gets. */
export interface VirtualWebSockets extends VirtualServer {
  /** The URL of a path. */
  url(path?: string): string;
  /** Opens a WebSocket with squall's client. */
  open(path?: string, options?: WebSocketConnectOptions): Promise<WebSocketClientConnection>;
  /** Sends the head of a handshake, with these fields beside or instead of the usual ones, and reads the answer. */
  handshake(
    path?: string,
    fields?: Readonly<Record<string, string | undefined>>,
    line?: string,
  ): Promise<RawWebSocket>;
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>;
}

/** The usual fields of a handshake. */
const FIELDS: Readonly<Record<string, string>> = {
  Host: "example.com",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

/** Runs `test` with an application that has these routes. */
export function withWebSockets(
  routes: Routes,
  test: (context: VirtualWebSockets) => Promise<void>,
  { settings, server: options }: { settings?: ApplicationSettings; server?: HTTPServerOptions } = {},
): Promise<void> {
  return withServer(
    new Application(routes, { logFunction() {}, ...settings }),
    options ?? {},
    async (context) => {
      const { loop, server } = context;
      const url = (path = "/") => `ws://127.0.0.1:${server.port}${path}`;
      const opened: WebSocketClientConnection[] = [];
      try {
        await test({
          ...context,
          url,
          async open(path, options) {
            const connection = await websocketConnect(url(path), { ioLoop: loop, ...options });
            opened.push(connection);
            return connection;
          },
          async handshake(path = "/", fields = {}, line = `GET ${path} HTTP/1.1`) {
            const client = await context.connect();
            const lines = Object.entries({ ...FIELDS, ...fields })
              .filter(([, value]) => value !== undefined)
              .map(([name, value]) => `${name}: ${value}\r\n`);
            client.send(`${line}\r\n${lines.join("")}\r\n`);
            return new RawWebSocket(client, await client.response());
          },
          pass: (ms) => pass(loop, ms),
        });
      } finally {
        for (const connection of opened) connection.wsConnection?.terminate();
      }
    },
  );
}
