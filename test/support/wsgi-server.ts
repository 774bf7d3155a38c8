/** A server on loopback over one of the Python applications in `test/support/wsgi`, for one test. */
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import { WSGIContainer, type WSGIContainerOptions } from "squall/wsgi";
import { IOLoop } from "#room/async/ioloop";
import { RawClient, type RawResponse } from "./raw-client.js";
import { root } from "./root.js";

/** Where the applications lie. */
export const applications: string = `${root}test/support/wsgi`;

/** What a test gets. */
export interface WSGIServer {
  readonly container: WSGIContainer;
  readonly server: HTTPServer;
  connect(): Promise<RawClient>;
  /** Sends a request on a connection of its own and reads the response. */
  ask(
    target: string,
    request?: { method?: string; head?: string; body?: string | Buffer },
  ): Promise<RawResponse>;
}

/** Runs `test` with a server for an application of `shapes.py`; afterwards everything is closed. */
export async function withWSGI(
  application: string,
  options: WSGIContainerOptions & { readonly server?: HTTPServerOptions },
  test: (context: WSGIServer) => Promise<void>,
): Promise<void> {
  const { server: serverOptions, ...rest } = options;
  const container = new WSGIContainer(`shapes:${application}`, { cwd: applications, workers: 1, ...rest });
  const server = new HTTPServer(container, serverOptions);
  const clients: RawClient[] = [];
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(IOLoop.current(), server.port!);
    clients.push(client);
    return client;
  };
  try {
    await container.start();
    await server.listen(0, "127.0.0.1");
    await test({
      container,
      server,
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
    await server.stop();
    for (const client of clients) client.close();
    await server.closeAllConnections({ timeout: 0 });
    await container.stop({ timeout: 0 });
  }
}
