/** The connections of a proxy to its upstream: those that are kept, and new ones. */
import type { IOLoop } from "../../async/ioloop.js";
import { openConnection } from "../../http/client/connect.js";
import { ConnectionPool, type PooledConnection } from "../../http/client/pool.js";
import { Resolver } from "../../net/resolver.js";
import { TCPClient } from "../../net/tcp-client.js";
import type { ProxySettings } from "./options.js";

/** See the head of this file. */
export class Upstream {
  readonly #settings: ProxySettings;
  readonly #loop: IOLoop;
  readonly #pool: ConnectionPool;
  /** Made with the first connection. */
  #client: TCPClient | undefined = undefined;
  #resolver: Resolver | undefined = undefined;

  constructor(settings: ProxySettings, loop: IOLoop) {
    this.#settings = settings;
    this.#loop = loop;
    this.#pool = new ConnectionPool(settings.maxIdleConnections);
  }

  /** A connection that was kept; undefined if there is none. */
  kept(): PooledConnection | undefined {
    const connection = this.#pool.take(this.#settings.route.key, this.#loop.time());
    if (connection !== undefined) connection.stream.keepsAlive(true);
    return connection;
  }

  /**
   * Opens a connection. Rejects with the error of the resolver, the network or TLS, or the signal's reason.
   */
  async open(signal: AbortSignal): Promise<PooledConnection> {
    const { params, route } = this.#settings;
    this.#resolver ??= Resolver.create({ ioLoop: this.#loop });
    this.#client ??= new TCPClient({ ioLoop: this.#loop, resolver: this.#resolver });
    const stream = await openConnection(route, {
      tcpClient: this.#client,
      params,
      signal,
      onPhase: () => {},
    });
    stream.setNodelay(true);
    return this.#pool.add(stream, params, route.key);
  }

  /** A connection that is not needed after all. */
  putBack(connection: PooledConnection): void {
    this.#pool.putBack(connection);
  }

  /** Closes all connections; exchanges in progress are broken off. */
  close(): void {
    this.#pool.close();
    this.#client?.close();
    this.#resolver?.close();
  }
}
