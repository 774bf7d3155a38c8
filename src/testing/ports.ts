/** Ports for tests. */
import { IOLoop } from "../async/ioloop.js";
import type { NetworkServer } from "../async/network.js";
import { nodeNetwork } from "../net/node-network.js";

/** Options of {@link bindUnusedPort}. */
export interface BindUnusedPortOptions {
  /** Whether other processes may bind the same port, where the system can; default false. */
  readonly reusePort?: boolean | undefined;
  /** The address to bind; default `127.0.0.1`. */
  readonly address?: string | undefined;
}

/**
 * Binds a free port that the system chose, and resolves with the listening socket and the port. No other
 * program can take the port until the socket is closed. On a loop with a network of its own it is a port of
 * that network. Tornado: `testing.bind_unused_port`.
 */
export async function bindUnusedPort(
  options: BindUnusedPortOptions = {},
): Promise<[server: NetworkServer, port: number]> {
  const network = IOLoop.current().network ?? nodeNetwork;
  const { reusePort, address } = options;
  const server = await network.listen({ host: address ?? "127.0.0.1", port: 0, reusePort });
  return [server, "port" in server.address ? server.address.port : 0];
}
