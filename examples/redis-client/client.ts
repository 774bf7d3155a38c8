/**
 * A small client for Redis on an `IOStream`.
 *
 * **Pipelining** comes by itself: a call writes its command at once and waits in line for its reply, so calls that do
 * not await each other share one round trip. One loop reads all replies, in the order of the commands.
 *
 *     const redis = await RedisClient.connect();
 *     await redis.call("SET", "greeting", "hello");
 *     const [a, b] = await Promise.all([redis.call("INCR", "visits"), redis.call("GET", "greeting")]);
 *
 * **Subscriptions** have a connection of their own, as Redis wants it, and are async iterables. A subscriber that is slower
 * than the channel fills a short queue, then the loop stops reading, then TCP makes Redis wait: nothing grows here.
 */

import { IOStream } from "squall/iostream";
import { Queue } from "squall/queues";
import { type Argument, encodeCommand, ProtocolError, RedisError, type Reply, readReply } from "./resp.js";

export interface RedisOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  /** A unix socket, instead of both. */
  readonly path?: string;
  /** Milliseconds for connecting; default 5 s. */
  readonly timeout?: number;
}

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

async function openStream(options: RedisOptions): Promise<IOStream> {
  const { host = "127.0.0.1", port = 6379, path, timeout = 5_000 } = options;
  // A reply may be large: what Redis allows, and a little for what follows it.
  const stream = new IOStream(undefined, { maxBufferSize: 520 * 1024 * 1024 });
  return await stream.connect(path === undefined ? { host, port } : { path }, { timeout });
}

/** One connection for commands. */
export class RedisClient {
  readonly #stream: IOStream;
  readonly #waiters: Waiter[] = [];

  private constructor(stream: IOStream) {
    this.#stream = stream;
    void this.#readReplies();
  }

  static async connect(options: RedisOptions = {}): Promise<RedisClient> {
    return new RedisClient(await openStream(options));
  }

  /** Sends a command and resolves with its reply; rejects with a {@link RedisError} if Redis refuses it. */
  call(...args: Argument[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      // If the stream is closed, the loop below tells all who wait.
      this.#stream.write(encodeCommand(args)).catch((error) => this.#fail(error));
    });
  }

  /** Like {@link RedisClient.call}, with strings for the bytes of the reply. */
  async callText(...args: Argument[]): Promise<unknown> {
    return asText(await this.call(...args));
  }

  /** Calls that wait reject. */
  close(): void {
    this.#stream.close();
  }

  async #readReplies(): Promise<void> {
    try {
      for (;;) {
        const reply = await readReply(this.#stream);
        const waiter = this.#waiters.shift();
        if (waiter === undefined) throw new ProtocolError("a reply to no command");
        if (reply instanceof RedisError) waiter.reject(reply);
        else waiter.resolve(reply);
      }
    } catch (error) {
      this.#stream.close();
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

export interface Message {
  readonly channel: string;
  readonly message: Buffer;
}

/** What is published to some channels, from the moment on at which `subscribe()` resolves. */
export class RedisSubscriber implements AsyncIterable<Message> {
  readonly #stream: IOStream;
  readonly #messages = new Queue<Message | Error>(16);

  private constructor(stream: IOStream) {
    this.#stream = stream;
  }

  static async subscribe(channels: readonly string[], options: RedisOptions = {}): Promise<RedisSubscriber> {
    const subscriber = new RedisSubscriber(await openStream(options));
    await subscriber.#begin(channels);
    return subscriber;
  }

  async #begin(channels: readonly string[]): Promise<void> {
    try {
      await this.#stream.write(encodeCommand(["SUBSCRIBE", ...channels]));
      for (const _channel of channels) {
        const reply = await readReply(this.#stream);
        if (reply instanceof RedisError) throw reply;
        if (kindOf(reply) !== "subscribe") throw new ProtocolError("expected the answer to SUBSCRIBE");
      }
    } catch (error) {
      this.#stream.close();
      throw error;
    }
    void this.#readMessages();
  }

  async #readMessages(): Promise<void> {
    try {
      for (;;) {
        const reply = await readReply(this.#stream);
        if (!Array.isArray(reply) || kindOf(reply) !== "message")
          throw new ProtocolError("expected a message");
        const [, channel, message] = reply;
        await this.#messages.put({ channel: String(channel), message: message as Buffer });
      }
    } catch (error) {
      this.#stream.close();
      await this.#messages.put(error as Error);
    }
  }

  /** Messages as they come; leaving the loop closes the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    try {
      for (;;) {
        const next = await this.#messages.get();
        if (next instanceof Error) throw next;
        yield next;
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#stream.close();
  }
}

function kindOf(reply: Reply): string | undefined {
  return Array.isArray(reply) && reply[0] instanceof Buffer ? reply[0].toString() : undefined;
}

function asText(reply: Reply): unknown {
  if (reply instanceof Buffer) return reply.toString();
  return Array.isArray(reply) ? reply.map(asText) : reply;
}
