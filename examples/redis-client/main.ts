/**
 * Talks to a Redis server: counts a visit, and passes a message through a channel.
 *
 *     node build/examples/redis-client/main.js      127.0.0.1:6379, or REDIS_PORT=…, or REDIS_SOCKET=/path
 *
 * resp.ts is the protocol, client.ts the client: a protocol of one's own on an `IOStream` takes no more than that.
 */
import { RedisClient, RedisSubscriber } from "./client.js";

const { REDIS_SOCKET, REDIS_PORT = "6379" } = process.env;
const where = REDIS_SOCKET === undefined ? { port: Number(REDIS_PORT) } : { path: REDIS_SOCKET };

const redis = await RedisClient.connect(where).catch((error: Error) => {
  console.error(`There is no Redis: ${error.message}`);
  process.exit(1);
});
const news = await RedisSubscriber.subscribe(["squall:news"], where);

// Three commands, one round trip.
const [, visits, greeting] = await Promise.all([
  redis.call("SET", "squall:greeting", "Hello from squall"),
  redis.call("INCR", "squall:visits"),
  redis.callText("GET", "squall:greeting"),
]);
console.log(`${greeting}, visit number ${visits}`);

await redis.call("PUBLISH", "squall:news", "It works.");
for await (const { channel, message } of news) {
  console.log(`${channel}: ${message}`);
  break;
}
redis.close();
