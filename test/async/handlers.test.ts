import "../support/guard.js";
import assert from "node:assert/strict";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, test } from "node:test";
import { IOLoop } from "squall/ioloop";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";

let loop: IOLoop;
beforeEach(() => {
  loop = new IOLoop();
});
afterEach(() => loop.close({ allFds: true }));

const turn = (): Promise<void> => new Promise((resolve) => loop.addCallback(resolve));

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

async function pair(): Promise<{ near: Socket; far: Socket; server: Server }> {
  const { server, port } = await listening();
  const far = connect(port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  far.on("error", () => {});
  return { near, far, server };
}

describe("addHandler()", () => {
  test("tells of connections of a server, and hands them over", async () => {
    const { server, port } = await listening();
    const accepted = new Promise<Socket>((resolve) => {
      loop.addHandler(
        server,
        (handle, events, socket) => {
          assert.equal(handle, server);
          assert.equal(events, IOLoop.READ);
          resolve(socket as Socket);
        },
        IOLoop.READ,
      );
    });
    const client = connect(port, "127.0.0.1");
    (await accepted).destroy();
    client.destroy();
  });

  test("tells again in every iteration as long as there is unread data, and of the end", async () => {
    const { near, far } = await pair();
    const chunks: string[] = [];
    const ended = new Promise<void>((resolve) => {
      loop.addHandler(
        near,
        (socket, events) => {
          if (!(events & IOLoop.READ)) return;
          const chunk = socket.read(Math.min(2, socket.readableLength)) as Buffer | null;
          if (chunk !== null) chunks.push(chunk.toString());
          else if (socket.readableEnded) {
            loop.removeHandler(socket);
            resolve();
          }
        },
        IOLoop.READ,
      );
    });
    far.end("abcdef");
    await ended;
    assert.deepEqual(chunks, ["ab", "cd", "ef"]);
    near.destroy();
  });

  test("tells of room to write, level-triggered, and updateHandler() ends that", async () => {
    const { near, far } = await pair();
    let calls = 0;
    await new Promise<void>((resolve) => {
      loop.addHandler(
        near,
        (socket, events) => {
          assert.equal(events, IOLoop.WRITE);
          calls += 1;
          if (calls < 3) return;
          loop.updateHandler(socket, IOLoop.NONE);
          resolve();
        },
        IOLoop.WRITE,
      );
    });
    await turn();
    await turn();
    assert.equal(calls, 3);
    far.destroy();
  });

  test("a socket without room is not writable until it has drained", async () => {
    const slow = new PassThrough({ highWaterMark: 4 });
    slow.write("more than four");
    const seen: number[] = [];
    loop.addHandler(slow, (_stream, events) => seen.push(events), IOLoop.WRITE);
    await turn();
    await turn();
    assert.deepEqual(seen, []);
    slow.resume();
    await once(slow, "drain");
    await turn();
    assert.ok(seen.length > 0 && seen.every((events) => events === IOLoop.WRITE));
    loop.removeHandler(slow);
  });

  test("tells of errors and of the close without being asked", async () => {
    const stream = new PassThrough();
    const seen: unknown[] = [];
    loop.addHandler(stream, (_stream, events, error) => seen.push(events, error), IOLoop.NONE);
    const failure = new Error("bang");
    stream.destroy(failure);
    await new Promise(setImmediate);
    assert.deepEqual(seen, [IOLoop.ERROR, failure, IOLoop.ERROR, undefined]);
  });

  test("tells of datagrams with their sender", async () => {
    const [a, b] = [createSocket("udp4"), createSocket("udp4")] as [Datagrams, Datagrams];
    a.bind(0, "127.0.0.1");
    await once(a, "listening");
    const received = new Promise<unknown[]>((resolve) => {
      loop.addHandler(a, (_socket, events, ...details) => resolve([events, ...details]), IOLoop.READ);
    });
    b.send("hello", a.address().port, "127.0.0.1");
    const [events, message, sender] = (await received) as [number, Buffer, { address: string }];
    assert.deepEqual([events, message.toString(), sender.address], [IOLoop.READ, "hello", "127.0.0.1"]);
    b.close();
    let writable = 0;
    loop.updateHandler(a, IOLoop.WRITE);
    loop.removeHandler(a);
    await new Promise<void>((resolve) => {
      loop.addHandler(
        a,
        (_socket, events) => {
          writable = events;
          loop.removeHandler(a);
          resolve();
        },
        IOLoop.WRITE,
      );
    });
    assert.equal(writable, IOLoop.WRITE);
    a.close();
  });

  test("a handler that was removed is not called, not even for what has happened already", async () => {
    const [a, b] = [new PassThrough(), new PassThrough()];
    const seen: string[] = [];
    loop.addHandler(
      a,
      () => {
        seen.push("a");
        loop.removeHandler(a);
        loop.removeHandler(b);
      },
      IOLoop.READ,
    );
    loop.addHandler(b, () => seen.push("b"), IOLoop.READ);
    a.write("x");
    b.write("x");
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual(seen, ["a"]);
    assert.deepEqual(
      [a, b].flatMap((stream) => [stream.listenerCount("readable"), stream.listenerCount("error")]),
      [0, 0, 0, 0],
    );
  });

  test("an error in a handler is logged, and the handler is called again", async () => {
    const stream = new PassThrough();
    let calls = 0;
    const log = new ExpectLog(appLog, /Exception in callback explode/);
    await log.run(async () => {
      loop.addHandler(
        stream,
        function explode() {
          if (++calls === 2) loop.removeHandler(stream);
          throw new Error("bang");
        },
        IOLoop.READ,
      );
      stream.write("x");
      for (let i = 0; i < 5; i++) await turn();
    });
    assert.equal(log.matched, 2);
  });

  test("is refused for an object that has a handler, and updateHandler() for one that has none", () => {
    const stream = new PassThrough();
    loop.addHandler(stream, () => {}, IOLoop.READ);
    assert.throws(() => loop.addHandler(stream, () => {}, IOLoop.READ), { code: "ERR_SQUALL_INVALID_STATE" });
    loop.removeHandler(stream);
    loop.removeHandler(stream);
    assert.throws(() => loop.updateHandler(stream, IOLoop.READ), { code: "ERR_SQUALL_INVALID_STATE" });
  });

  test("is refused for a raw descriptor, with the name of the package that can, and for other objects", () => {
    assert.throws(
      () => loop.addHandler(3 as never, () => {}, IOLoop.READ),
      (error: Error & { code?: string }) =>
        error.code === "ERR_SQUALL_INVALID_ARGUMENT" && /descriptor 3.*"epoll"/.test(error.message),
    );
    for (const bad of [undefined, {}, process]) {
      assert.throws(() => loop.addHandler(bad as never, () => {}, IOLoop.READ), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }
  });

  test("close({ allFds: true }) closes what is watched, close() leaves it open", async () => {
    const [watched, left] = [new PassThrough(), new PassThrough()];
    const other = new IOLoop({ makeCurrent: false });
    other.addHandler(left, () => assert.fail("closed"), IOLoop.READ);
    other.close();
    loop.addHandler(watched, () => assert.fail("closed"), IOLoop.READ);
    const { server } = await listening();
    loop.addHandler(server, () => assert.fail("closed"), IOLoop.READ);
    loop.close({ allFds: true });
    assert.deepEqual([watched.destroyed, left.destroyed, server.listening], [true, false, false]);
    left.write("x");
    await new Promise(setImmediate);
  });
});
