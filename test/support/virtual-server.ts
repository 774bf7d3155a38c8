/** An HTTP server on a virtual loop and a network in memory, for one test. */

import type { HTTPServer, HTTPServerCallback, HTTPServerOptions } from "squall/httpserver";
import type { HTTPServerRequest } from "squall/httputil";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { IOLoop } from "#room/async/ioloop";
import { serverClass } from "./implementations.js";
import { RawClient } from "./raw-client.js";

/** What a test gets. */
export interface VirtualServer {
  readonly loop: VirtualLoop;
  readonly server: HTTPServer;
  /** Opens a connection to it. */
  connect(): Promise<RawClient>;
}

/** Runs `test` with a server for `callback`; afterwards everything is closed. */
export function withServer(
  callback: HTTPServerCallback,
  options: HTTPServerOptions,
  test: (context: VirtualServer) => Promise<void>,
): Promise<void> {
  return VirtualLoop.run(
    async (loop) => {
      const server = new (await serverClass())(callback, options);
      await server.listen(0, "127.0.0.1");
      const clients: RawClient[] = [];
      try {
        await test({
          loop,
          server,
          async connect() {
            const client = await RawClient.connect(loop, server.port!);
            clients.push(client);
            return client;
          },
        });
      } finally {
        await server.stop();
        for (const client of clients) client.close();
        await server.closeAllConnections({ timeout: 0 });
      }
    },
    { network: new MemoryNetwork() },
  );
}

/** Waits `ms` milliseconds of the loop's time. */
export function pass(loop: IOLoop, ms: number): Promise<void> {
  return new Promise((resolve) => void loop.callLater(ms, resolve));
}

/** Answers a request with `text` and status 200. */
export function answer(request: HTTPServerRequest, text: string): void {
  respond(request, 200, "OK", text);
}

/** Answers a request. */
export function respond(request: HTTPServerRequest, code: number, reason: string, text: string): void {
  const { connection } = request;
  void connection!.writeHeaders(
    { version: "HTTP/1.1", code, reason },
    new (request.headers.constructor as new (init: Record<string, string>) => typeof request.headers)({
      "Content-Length": String(Buffer.byteLength(text)),
    }),
    text,
  );
  connection!.finish();
}
