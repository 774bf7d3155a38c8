/**
 * Connections that wait for another request, by the key of their route. The one that was used last is used
 * first: the server has had the least time to give it up, and those that are not needed reach their idle
 * timeout.
 */
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTP1ClientConnection } from "../connection/client-connection.js";
import type { HTTP1ConnectionParameters } from "../connection/params.js";

/** What uses a connection. */
export interface PoolUser {
  /** The exchange is over, whether well or not; the connection is idle or closed. */
  exchangeOver(): void;
}

/** The idle connections of one route. */
interface Shelf {
  readonly key: string;
  readonly idle: PooledConnection[];
  /** All connections of the route, busy or idle. */
  size: number;
}

/** A connection that returns to its shelf. */
export class PooledConnection extends HTTP1ClientConnection {
  readonly shelf: Shelf;
  /** Whose exchange is in progress. */
  user: PoolUser | undefined = undefined;
  /** Exchanges begun so far. */
  uses = 0;
  /** How long the server said that it may be idle. */
  idleLimit: number = Number.POSITIVE_INFINITY;

  constructor(stream: IOStream, params: HTTP1ConnectionParameters, pool: ConnectionPool, shelf: Shelf) {
    super(stream, params, pool);
    this.shelf = shelf;
  }
}

/** See the head of this file. */
export class ConnectionPool {
  readonly #shelves = new Map<string, Shelf>();
  readonly #all = new Set<PooledConnection>();
  readonly #maxIdle: number;
  #idle = 0;
  #closed = false;

  /** `maxIdle`: how many may be idle in all. */
  constructor(maxIdle: number) {
    this.#maxIdle = maxIdle;
  }

  /** How many connections there are, busy or idle. */
  get size(): number {
    return this.#all.size;
  }

  /** How many of them are idle. */
  get idle(): number {
    return this.#idle;
  }

  /** An idle connection for this route; undefined if there is none. */
  take(key: string, now: number): PooledConnection | undefined {
    const shelf = this.#shelves.get(key);
    if (shelf === undefined) return undefined;
    for (let found = shelf.idle.pop(); found !== undefined; found = shelf.idle.pop()) {
      this.#idle--;
      if (now - found.idleSince < found.idleLimit) return found;
      found.close();
    }
    return undefined;
  }

  /** Takes a new stream in; the connection is its first user's. */
  add(stream: IOStream, params: HTTP1ConnectionParameters, key: string): PooledConnection {
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      shelf = { key, idle: [], size: 0 };
      this.#shelves.set(key, shelf);
    }
    shelf.size++;
    const connection = new PooledConnection(stream, params, this, shelf);
    this.#all.add(connection);
    return connection;
  }

  /** A connection that its user did not need after all. */
  putBack(connection: PooledConnection): void {
    connection.start();
    if (connection.state === "idle") this.onIdle(connection);
  }

  /** Called by a connection: an exchange is over. */
  onIdle(connection: PooledConnection): void {
    if (this.#closed || this.#maxIdle === 0) {
      connection.close();
      return;
    }
    connection.shelf.idle.push(connection);
    this.#idle++;
    if (this.#idle > this.#maxIdle) this.#closeOldest();
    const { user } = connection;
    connection.user = undefined;
    user?.exchangeOver();
    // Nobody waits for what an idle connection brings.
    if (connection.user === undefined) connection.stream.keepsAlive(false);
  }

  /** Called by a connection: it has ended. */
  onClose(connection: PooledConnection): void {
    this.#all.delete(connection);
    const { shelf, user } = connection;
    const at = shelf.idle.indexOf(connection);
    if (at !== -1) {
      shelf.idle.splice(at, 1);
      this.#idle--;
    }
    // A program may visit any number of servers.
    if (--shelf.size === 0) this.#shelves.delete(shelf.key);
    connection.user = undefined;
    user?.exchangeOver();
  }

  /** Closes all connections; exchanges in progress are broken off. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#all]) connection.close();
  }

  #closeOldest(): void {
    let oldest: PooledConnection | undefined;
    for (const { idle } of this.#shelves.values()) {
      const first = idle[0];
      if (first !== undefined && (oldest === undefined || first.idleSince < oldest.idleSince)) oldest = first;
    }
    oldest?.close();
  }
}
