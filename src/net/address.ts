/** Addresses: of the two ends of a connection, and of what a server listens on. */
import { isIP } from "node:net";
import type { NetworkAddress, NetworkSocket } from "../async/network.js";
import { InvalidArgumentError } from "../base/errors.js";

/**
 * The other end of a connection, as `handleStream` gets it: a TCP address, or a unix socket (`path` is empty
 * then).
 */
export type PeerAddress = NetworkAddress;

/** What `connect` methods take: an address, or Tornado's pair of host and port. */
export type ConnectAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
  | readonly [host: string, port: number];

/** The family of a literal address; 0 for everything else. */
export function ipFamily(text: string): 0 | 4 | 6 {
  return isIP(text) as 0 | 4 | 6;
}

/**
 * True for a literal IPv4 or IPv6 address; false for everything else: names, the empty string, text with a
 * NUL.
 */
export function isValidIp(ip: string): boolean {
  return typeof ip === "string" && isIP(ip) !== 0;
}

/**
 * Where the other end of a socket is. Asked once per connection: a socket that has been reset no longer knows
 * it.
 */
export function peerAddress(socket: NetworkSocket): PeerAddress {
  const host = socket.remoteAddress;
  if (host === undefined) return { path: "" };
  return { host, port: socket.remotePort ?? 0, family: socket.remoteFamily === "IPv6" ? 6 : 4 };
}

/**
 * What counts as one client: an IPv4 address; for IPv6 the /64 network, since one subscriber has all of it;
 * undefined for unix sockets.
 */
export function addressBlock(address: NetworkAddress): string | undefined {
  if ("path" in address) return undefined;
  const { host } = address;
  if (!host.includes(":")) return host;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(host);
  if (mapped !== null) return mapped[1];
  const [front = "", back] = host.split("%")[0]!.split("::");
  const groups = front === "" ? [] : front.split(":");
  if (back !== undefined) {
    const tail = back === "" ? [] : back.split(":");
    while (groups.length + tail.length < 8) groups.push("0");
    groups.push(...tail);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

/** The address as people write it: `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`. */
export function formatAddress(address: NetworkAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/**
 * One form for {@link ConnectAddress}.
 *
 * @throws InvalidArgumentError if it is invalid
 */
export function normalizeAddress(
  address: ConnectAddress,
): { readonly host: string; readonly port: number } | { readonly path: string } {
  if (isPair(address)) return checked(address[0], address[1]);
  return "path" in address ? address : checked(address.host, address.port);
}

function isPair(address: ConnectAddress): address is readonly [string, number] {
  return Array.isArray(address);
}

function checked(host: string, port: number): { readonly host: string; readonly port: number } {
  if (typeof host === "string" && host !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) {
    return { host, port };
  }
  throw new InvalidArgumentError(
    `an address must have a host and a port from 0 to 65535, got ${String(host)} and ${String(port)}`,
  );
}
