/** What only the operating system and OpenSSL can show: slow readers, half-closed and reset connections, plain and TLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import { HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import { IOLoop } from "squall/ioloop";
import { caCerts, certificate } from "../support/certs.js";
import { answer, pass } from "../support/virtual-server.js";
import "../support/guard.js";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

interface Context {
  readonly server: HTTPServer;
  connect(): Promise<Socket>;
}

async function serve(
  isTls: boolean,
  callback: (request: HTTPServerRequest) => unknown,
  options: HTTPServerOptions,
  run: (context: Context) => Promise<void>,
): Promise<void> {
  const server = new HTTPServer(callback, {
    ...options,
    ...(isTls ? { sslOptions: certificate("server") } : {}),
  });
  await server.listen(0, "127.0.0.1");
  const sockets: Socket[] = [];
  try {
    await run({
      server,
      async connect() {
        const target = { host: "127.0.0.1", port: server.port!, allowHalfOpen: true };
        const socket = connectTcp(target);
        sockets.push(socket);
        socket.on("error", () => {});
        await once(socket, "connect");
        if (!isTls) return socket;
        const tls = connectTls({ socket, host: "127.0.0.1", ca: readFileSync(caCerts) });
        below.set(tls, socket);
        tls.on("error", () => {});
        await once(tls, "secureConnect");
        return tls;
      },
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
  }
}

/** Resets what is below TLS, too. */
function reset(socket: Socket): void {
  (below.get(socket) ?? socket).resetAndDestroy();
}

const below = new WeakMap<Socket, Socket>();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pass(IOLoop.current(), 2);
}

for (const isTls of [false, true]) {
  describe(isTls ? "over TLS" : "over TCP", () => {
    test("a slow reader gets the whole of one long write, however often writeStallTimeout passes", async () => {
      const size = 16 * 1024 * 1024;
      await serve(
        isTls,
        (request) => {
          const headers = new HTTPHeaders({ "Content-Length": String(size) });
          request.connection!.respond(
            { version: "HTTP/1.1", code: 200, reason: "OK" },
            headers,
            Buffer.alloc(size, "x"),
          );
        },
        { writeStallTimeout: 100 },
        async ({ server, connect }) => {
          const socket = await connect();
          socket.write(GET);
          let received = 0;
          let step = 0;
          socket.on("data", (chunk: Buffer) => {
            received += chunk.length;
            step += chunk.length;
            if (step < 2 * 1024 * 1024) return;
            step = 0;
            socket.pause();
            server.ioLoop.callLater(200, () => socket.resume());
          });
          await until(() => received > size || socket.destroyed || socket.readableEnded);
          assert.ok(received > size, `only ${received} of ${size} bytes came`);
        },
      );
    });

    test("a client that takes nothing of one long write is cut off", async () => {
      const told: string[] = [];
      await serve(
        isTls,
        (request) => {
          const connection = request.connection as HTTP1Connection;
          connection.setCloseCallback((reason) => told.push(reason.reason));
          void connection.writeHeaders(
            { version: "HTTP/1.1", code: 200, reason: "OK" },
            new HTTPHeaders(),
            Buffer.alloc(24 * 1024 * 1024, "x"),
          );
        },
        { writeStallTimeout: 100 },
        async ({ server, connect }) => {
          const socket = await connect();
          socket.pause();
          socket.write(GET);
          await until(() => told.length > 0);
          assert.deepEqual(told, ["write-stalled"]);
          await until(() => server.connections === 0);
        },
      );
    });

    test("what the application keeps of requests is not changed by what others send", async () => {
      const sizes = [1, 700, 40_000, 70_000, 300_000];
      const kept = new Map<string, HTTPServerRequest>();
      await serve(
        isTls,
        (request) => {
          kept.set(request.path, request);
          answer(request, "ok");
        },
        {},
        async ({ connect }) => {
          const clients = await Promise.all(Array.from({ length: 8 }, () => connect()));
          for (const [round, size] of sizes.entries()) {
            const answered = clients.map((client) => once(client, "data"));
            for (const [i, client] of clients.entries()) {
              const name = `/${i}-${round}`;
              const head = `POST ${name} HTTP/1.1\r\nHost: localhost\r\nX-Name: ${name}\r\nContent-Length: ${size}\r\n\r\n`;
              // In two pieces, so that heads and bodies of all clients mix.
              const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(size, 0x41 + i)]);
              const cut = 20 + ((i * 37) % (bytes.length - 30));
              client.write(bytes.subarray(0, cut));
              setImmediate(() => client.write(bytes.subarray(cut)));
            }
            await Promise.all(answered);
          }
        },
      );
      assert.equal(kept.size, 8 * sizes.length);
      for (const [name, request] of kept) {
        const [i, round] = name.slice(1).split("-").map(Number);
        assert.equal(request.headers.get("X-Name"), name);
        assert.ok(Buffer.alloc(sizes[round!]!, 0x41 + i!).equals(request.body), name);
      }
    });

    test("pipelined requests wait while their client does not read", async () => {
      let count = 0;
      const page = "x".repeat(1024 * 1024);
      await serve(
        isTls,
        (request) => {
          count++;
          answer(request, page);
        },
        {},
        async ({ server, connect }) => {
          const socket = await connect();
          socket.pause();
          socket.write(GET.repeat(100));
          await pass(server.ioLoop, 300);
          assert.ok(count < 20, `${count} requests were answered into the queue`);
          let received = 0;
          socket.on("data", (chunk: Buffer) => {
            received += chunk.length;
          });
          socket.resume();
          await until(() => received > 100 * page.length || socket.destroyed);
          assert.equal(count, 100);
        },
      );
    });

    test("a half-closed client gets its answer, and the application hears of it", async () => {
      const told: string[] = [];
      await serve(
        isTls,
        (request) => {
          const connection = request.connection as HTTP1Connection;
          connection.setCloseCallback((reason) => {
            told.push(reason.reason);
            answer(request, "late");
          });
        },
        {},
        async ({ connect }) => {
          const socket = await connect();
          socket.end(GET);
          let received = "";
          socket.setEncoding("latin1");
          for await (const piece of socket) received += piece;
          assert.match(received, /late$/);
          assert.deepEqual(told, ["half-closed"]);
        },
      );
    });

    const phases: Record<string, string> = {
      "before a head": "",
      "inside a head": "GET / HT",
      "inside a body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",
      "while the answer is waited for": "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
      "while a response is under way": "GET /begin HTTP/1.1\r\nHost: x\r\n\r\n",
      "between two requests": GET,
      "while it is closed in stages": "nonsense\r\n\r\n",
    };
    test("a reset that comes together with a request ends the connection, which the answer cannot reach", async () => {
      await serve(
        isTls,
        (request) => answer(request, "hello"),
        {},
        async ({ server, connect }) => {
          // Which of the two the server's loop sees first is a matter of chance.
          for (let i = 0; i < 20; i++) {
            const socket = await connect();
            socket.write(GET);
            reset(socket);
          }
          await until(() => server.connections === 0);
        },
      );
    });

    for (const [phase, bytes] of Object.entries(phases)) {
      test(`a reset ${phase} ends the connection, tells the application once and nobody else`, async () => {
        const told: string[] = [];
        let writing: Promise<void> | undefined;
        await serve(
          isTls,
          (request) => {
            const connection = request.connection as HTTP1Connection;
            connection.setCloseCallback((reason) => told.push(reason.reason));
            if (request.path === "/begin") {
              const write = async (): Promise<void> => {
                const startLine = { version: "HTTP/1.1", code: 200, reason: "OK" };
                await connection.writeHeaders(startLine, new HTTPHeaders());
                for (;;) await connection.write(Buffer.alloc(100_000));
              };
              writing = write();
              return writing.catch(() => {});
            }
            if (request.path !== "/wait") answer(request, "hello");
            return undefined;
          },
          {},
          async ({ server, connect }) => {
            const socket = await connect();
            await until(() => server.connections === 1);
            if (bytes !== "") socket.write(bytes);
            await pass(server.ioLoop, 20);
            reset(socket);
            await until(() => server.connections === 0);
            await assert.rejects(writing ?? Promise.reject(new Error("nothing")));
            const waits = bytes.includes("/wait") || bytes.includes("/begin");
            assert.deepEqual(told, waits ? ["closed"] : []);
          },
        );
      });
    }
  });
}
