/** A squall application behind WSGI servers, with real Python and `wsgiref.validate` around it. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { HTTPHeaders } from "squall/httputil";
import type { PipeIOStream } from "squall/iostream";
import { Subprocess } from "squall/process";
import { WSGIAdapter } from "squall/wsgi";
import { IOLoop } from "#room/async/ioloop";
import { InvalidArgumentError, InvalidStateError } from "#room/base/errors";
import { needs } from "../support/programs.js";
import { RawClient, type RawResponse } from "../support/raw-client.js";
import { root } from "../support/root.js";
import { applications } from "../support/wsgi-server.js";

const python = needs("python3");
const program = join(root, "build", "test", "support", "wsgi-app-program.js");

interface Host {
  /** What the host and the adapter have written to standard error output, at the end. */
  ask(target: string, request?: { method?: string; head?: string; body?: string }): Promise<RawResponse>;
  connect(): Promise<RawClient>;
}

/**
 * Runs `test` with a Python server that hosts an adapter; resolves with what it wrote to standard error
 * output.
 */
async function withHost(adapter: object, test: (host: Host) => Promise<void>): Promise<string> {
  const child = new Subprocess(["python3", join(applications, "host.py"), JSON.stringify(adapter)], {
    stdin: Subprocess.STREAM,
    stdout: Subprocess.STREAM,
    stderr: Subprocess.STREAM,
    env: { ...process.env, PYTHONPATH: WSGIAdapter.pythonPath, PYTHONDONTWRITEBYTECODE: "1" },
  });
  const errors = (child.stderr as PipeIOStream).readUntilClose();
  const clients: RawClient[] = [];
  try {
    const port = Number((await (child.stdout as PipeIOStream).readUntil("\n")).toString());
    const connect = async (): Promise<RawClient> => {
      const client = await RawClient.connect(IOLoop.current(), port);
      clients.push(client);
      return client;
    };
    await test({
      connect,
      async ask(target, { method = "GET", head = "", body } = {}) {
        const client = await connect();
        const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
        client.send(
          `${method} ${target} HTTP/1.1\r\nHost: example.com:81\r\n${length}${head}\r\n`,
          body ?? "",
        );
        return await client.response(method);
      },
    });
  } finally {
    for (const client of clients) client.close();
    (child.stdin as PipeIOStream).close();
    await child.waitForExit({ raiseError: false });
  }
  return (await errors).toString();
}

/** Runs `test` with a server of raw bytes on a unix socket, which answers each connection with `answer`. */
async function withPeer(answer: string, test: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "squall-"));
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answer, "latin1"));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
  try {
    await test(join(folder, "socket"));
  } finally {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
}

const started = { command: [process.execPath, program] };
const told = (response: RawResponse): Record<string, never> => JSON.parse(response.body.toString());

/** Whether a process is gone, or ended and not yet asked for its status; where there is no /proc, true. */
function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

describe("a squall process that the callable starts", python, () => {
  test("gets requests as they came, and whom they are from", async () => {
    const errors = await withHost(started, async ({ ask }) => {
      const { headers, ...plain } = told(
        await ask("/a%20b/caf%C3%A9?x=%2F", {
          head: "X-One: 1\r\nX-Real-Ip: 6.6.6.6\r\nX-Scheme: https\r\n",
        }),
      );
      assert.deepEqual(
        { ...plain, pid: 0 },
        {
          method: "GET",
          uri: "/a%20b/caf%C3%A9?x=%2F",
          remoteIp: "127.0.0.1",
          protocol: "http",
          host: "example.com:81",
          body: "",
          length: 0,
          pid: 0,
        },
      );
      assert.deepEqual(headers, {
        Host: "example.com:81",
        "Content-Type": "text/plain",
        "X-One": "1",
        "X-Real-Ip": "127.0.0.1",
        "X-Scheme": "http",
      });
      const posted = told(await ask("/", { method: "POST", body: "x".repeat(100_000) }));
      assert.deepEqual([posted.method, posted.length], ["POST", 100_000]);
      assert.equal(told(await ask("/", { method: "DELETE" })).method, "DELETE");
      assert.equal((await ask("/", { method: "HEAD" })).status, 200);
    });
    assert.equal(errors, "");
  });

  test("is one process, which is started once", async () => {
    await withHost(started, async ({ ask }) => {
      const pids = [];
      for (let count = 0; count < 3; count++) pids.push(told(await ask("/")).pid);
      assert.equal(new Set(pids).size, 1);
    });
  });

  test("answers in pieces, with all fields but those of the connection", async () => {
    await withHost(started, async ({ ask }) => {
      const got = await ask("/stream");
      assert.equal(got.body.toString(), "one two three");
      const names = got.headers.map(([name]) => name.toLowerCase());
      assert.equal(names.filter((name) => name === "set-cookie").length, 2);
      assert.deepEqual(
        names.filter((name) => /connection|transfer-encoding|x-private/.test(name)),
        [],
      );
      assert.equal((await ask("/empty")).status, 204);
      assert.equal((await ask("/hints")).body.toString(), "after hints");
    });
  });

  test("may send its response while the request is still coming, however large both are", async () => {
    await withHost(started, async ({ ask }) => {
      const body = "0123456789".repeat(500_000);
      const got = await ask("/echo", { method: "POST", body });
      assert.equal(got.body.length, body.length);
      assert.equal(got.body.toString(), body);
    });
  });

  test("may answer without reading the request", async () => {
    await withHost(started, async ({ ask }) => {
      const got = await ask("/early", { method: "POST", body: "x".repeat(100_000) });
      assert.deepEqual([got.status, got.body.toString()], [413, "too much"]);
    });
  });

  test("that breaks a response off leaves it broken", async () => {
    const errors = await withHost(started, async ({ connect }) => {
      const client = await connect();
      client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.whenEnded();
      assert.match(client.received.toString(), /some/);
    });
    assert.match(errors, /BrokenResponse: squall closed the connection before its response was whole/);
  });

  test("learns that a client has left, as soon as the WSGI server notices", async () => {
    await withHost(started, async ({ ask, connect }) => {
      const client = await connect();
      client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.until("xxxx");
      client.close();
      while ((await ask("/left")).body.toString() !== "1") await new Promise(setImmediate);
    });
  });

  test("is started again when it has ended, and the request that it did not answer is a 502", async () => {
    const errors = await withHost(started, async ({ ask }) => {
      const before = Number(told(await ask("/")).pid);
      assert.equal((await ask("/exit")).status, 502);
      // Its connections are closed before it has ended, and what comes meanwhile is not answered either.
      while (!hasEnded(before)) await new Promise(setImmediate);
      assert.notEqual(Number(told(await ask("/")).pid), before);
    });
    assert.match(errors, /^squall_wsgi: 502 Bad Gateway: squall closed the connection without a response\n/);
  });

  test("that cannot be started, or does not listen, is a 502 that says why", async () => {
    const missing = await withHost({ command: ["/nowhere/node"] }, async ({ ask }) => {
      assert.equal((await ask("/")).status, 502);
    });
    assert.match(missing, /cannot start \/nowhere\/node/);
    const failing = await withHost(
      { command: [process.execPath, "-e", "process.exit(3)"] },
      async ({ ask }) => {
        assert.equal((await ask("/")).status, 502);
      },
    );
    assert.match(failing, /ended with status 3 before it listened/);
  });
});

describe("a squall process that runs already", python, () => {
  test("is reached at its socket, which its owner alone may connect to", async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-"));
    const path = join(folder, "socket");
    const adapter = new WSGIAdapter(({ connection }) => {
      const headers = new HTTPHeaders({ "Content-Type": "text/plain" });
      connection?.respond({ version: "HTTP/1.1", code: 200, reason: "OK" }, headers, "ok");
    });
    try {
      await adapter.listen(path);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      await withHost({ socket_path: path }, async ({ ask }) => {
        assert.equal((await ask("/")).body.toString(), "ok");
      });
      await adapter.stop();
      await adapter.stop();
      await assert.rejects(adapter.listen(path), InvalidStateError);
      const errors = await withHost({ socket_path: path }, async ({ ask }) => {
        assert.equal((await ask("/")).status, 502);
      });
      assert.match(errors, /No such file or directory/);
    } finally {
      await adapter.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test("listen() without a path needs to be started by Python", async () => {
    await assert.rejects(new WSGIAdapter(() => {}).listen(), InvalidArgumentError);
  });
});

describe("what cannot be passed on is refused", python, () => {
  test("a header of the request that would be two", async () => {
    await withPeer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", async (path) => {
      const errors = await withHost({ socket_path: path }, async ({ ask }) => {
        const got = await ask("/", { head: "X-Set-Host: 1\r\n" });
        assert.equal(got.status, 400);
      });
      assert.match(errors, /the header X-Bad cannot be passed on/);
    });
  });

  for (const [what, answer] of [
    ["a header of the response with a stray CR", "HTTP/1.1 200 OK\r\nX-A: a\rX-Evil: 1\r\n\r\n"],
    ["a line that is not a header", "HTTP/1.1 200 OK\r\nno header\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\n\r\n"],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"],
    ["what is not HTTP", "hello\r\n\r\n"],
    ["nothing", ""],
  ] as const) {
    test(`${what} is a 502`, async () => {
      await withPeer(answer, async (path) => {
        const errors = await withHost({ socket_path: path }, async ({ ask }) => {
          const got = await ask("/");
          assert.equal(got.status, 502);
          assert.ok(!got.headers.some(([name]) => /evil/i.test(name)));
        });
        assert.match(errors, /^squall_wsgi: 502 Bad Gateway: squall /);
      });
    });
  }

  for (const [what, answer] of [
    [
      "a body that is shorter than its length",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nsome",
    ],
    [
      "a chunked body without an end",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
    ],
    [
      "an invalid chunk",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsomeX\r\n0\r\n\r\n",
    ],
  ] as const) {
    test(`${what} is broken off`, async () => {
      await withPeer(answer, async (path) => {
        const errors = await withHost({ socket_path: path }, async ({ connect }) => {
          const client = await connect();
          client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          await client.whenEnded();
        });
        assert.match(errors, /BrokenResponse/);
      });
    });
  }
});
