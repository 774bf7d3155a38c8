/** A server on loopback over a container or an application, for one test. */
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import { IOLoop } from "#room/async/ioloop";
import type { HTTPServerConnectionDelegate } from "#room/http/delegates";
import { RawClient, type RawResponse } from "./raw-client.js";

/** What a test asks with. */
export interface Asked {
  readonly port: number;
  connect(): Promise<RawClient>;
  /** Sends a request on a connection of its own and reads the response. */
  ask(
    target: string,
    request?: { method?: string; head?: string; body?: string | Uint8Array },
  ): Promise<RawResponse>;
}

/** Asks whatever listens at a port; afterwards the clients are closed. */
export async function withClients(port: number, test: (asked: Asked) => Promise<void>): Promise<void> {
  const clients: RawClient[] = [];
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(IOLoop.current(), port);
    clients.push(client);
    return client;
  };
  try {
    await test({
      port,
      connect,
      async ask(target, { method = "GET", head = "", body } = {}) {
        const client = await connect();
        const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
        client.send(
          `${method} ${target} HTTP/1.1\r\nHost: example.com:81\r\n${length}${head}\r\n`,
          body ?? "",
        );
        return await client.response(method);
      },
    });
  } finally {
    for (const client of clients) client.close();
  }
}

/** Runs `test` with a squall server for `delegate`; afterwards everything is closed. */
export async function withContainer(
  delegate: HTTPServerConnectionDelegate,
  test: (asked: Asked & { readonly server: HTTPServer }) => Promise<void>,
  options?: HTTPServerOptions,
): Promise<void> {
  const server = new HTTPServer(delegate, options);
  await server.listen(0, "127.0.0.1");
  try {
    await withClients(server.port!, (asked) => test({ ...asked, server }));
  } finally {
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
  }
}
