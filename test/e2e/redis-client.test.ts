/** The Redis client of the examples against a real Redis, on a unix socket in a folder of its own. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { StreamClosedError } from "squall/iostream";
import { RedisClient, RedisSubscriber } from "../../examples/redis-client/client.js";
import { RedisError } from "../../examples/redis-client/resp.js";
import { Child } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";
import { root } from "../support/root.js";
import "../support/guard.js";

describe("the Redis client", needs("redis-server"), () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-redis-"));
  const path = join(folder, "redis.sock");
  let server: Child;

  before(async () => {
    const settings = [
      "--port",
      "0",
      "--unixsocket",
      path,
      "--dir",
      folder,
      "--save",
      "",
      "--appendonly",
      "no",
    ];
    server = new Child(pathOf("redis-server"), settings);
    await server.prints(/ready to accept connections/i);
  });
  after(async () => {
    await server.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });

  test("stores and gets text, numbers and bytes", async () => {
    const redis = await RedisClient.connect({ path });
    assert.equal(await redis.call("SET", "text", "Grüße"), "OK");
    assert.equal(await redis.callText("GET", "text"), "Grüße");
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
    await redis.call("SET", "bytes", bytes);
    assert.deepEqual(await redis.call("GET", "bytes"), bytes);
    assert.equal(await redis.call("GET", "nothing"), null);
    assert.equal(await redis.call("INCRBY", "number", 40), 40);
    await redis.call("RPUSH", "list", "a", "b");
    assert.deepEqual(await redis.callText("LRANGE", "list", 0, -1), ["a", "b"]);
    redis.close();
  });

  test("a thousand commands without waiting: every reply is that of its command", async () => {
    const redis = await RedisClient.connect({ path });
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => redis.callText("ECHO", `message ${i}`)),
    );
    assert.deepEqual(
      replies,
      replies.map((_, i) => `message ${i}`),
    );
    redis.close();
  });

  test("a command that Redis refuses rejects alone, and one in a transaction is an element of the reply", async () => {
    const redis = await RedisClient.connect({ path });
    const [good, bad, after] = await Promise.allSettled([
      redis.call("SET", "word", "x"),
      redis.call("LPUSH", "word", "y"),
      redis.callText("GET", "word"),
    ]);
    assert.deepEqual([good.status, after.status], ["fulfilled", "fulfilled"]);
    assert.ok(bad.status === "rejected" && bad.reason instanceof RedisError);
    assert.match(bad.reason.message, /^WRONGTYPE /);
    void redis.call("MULTI");
    void redis.call("LPUSH", "word", "y");
    const reply = await redis.call("EXEC");
    assert.ok(Array.isArray(reply) && reply[0] instanceof RedisError);
    redis.close();
  });

  test("subscribers get what is published, in order, however slowly they read", async () => {
    const redis = await RedisClient.connect({ path });
    const subscriber = await RedisSubscriber.subscribe(["news", "weather"], { path });
    const published = await Promise.all(
      Array.from({ length: 100 }, (_, i) => redis.call("PUBLISH", i % 2 === 0 ? "news" : "weather", i)),
    );
    assert.ok(published.every((receivers) => receivers === 1));
    let count = 0;
    for await (const { channel, message } of subscriber) {
      assert.deepEqual([channel, message.toString()], [count % 2 === 0 ? "news" : "weather", String(count)]);
      await new Promise(setImmediate);
      if (++count === 100) break;
    }
    redis.close();
  });

  test("calls that wait when the connection ends reject, as do later ones", async () => {
    const redis = await RedisClient.connect({ path });
    const other = await RedisClient.connect({ path });
    const id = await redis.call("CLIENT", "ID");
    const waiting = redis.call("BLPOP", "never", 0);
    await assert.rejects(
      Promise.all([waiting, other.call("CLIENT", "KILL", "ID", String(id))]),
      StreamClosedError,
    );
    await assert.rejects(redis.call("PING"), StreamClosedError);
    other.close();
    await assert.rejects(RedisClient.connect({ path: join(folder, "none.sock") }), StreamClosedError);
  });

  test("the program of the example greets and counts", async (context) => {
    const script = `${root}build/examples/redis-client/main.js`;
    for (const visit of [1, 2]) {
      const child = Child.start(context, process.execPath, [script], { REDIS_SOCKET: path });
      assert.deepEqual(await child.ended, { code: 0, signal: null }, child.output);
      assert.equal(child.output, `Hello from squall, visit number ${visit}\nsquall:news: It works.\n`);
    }
    const lost = Child.start(context, process.execPath, [script], {
      REDIS_SOCKET: join(folder, "none.sock"),
    });
    assert.deepEqual(await lost.ended, { code: 1, signal: null });
    assert.match(lost.output, /^There is no Redis: /);
  });
});
