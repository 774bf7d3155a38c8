/** Sockets that do not lend what they read, for tests of the plain path behind `net/stream/lent-reads.ts`. */
import { connect, createServer, Socket } from "node:net";
import { TLSSocket } from "node:tls";

interface Lending {
  useUserBuffer?: unknown;
}

/**
 * Takes the method away that lending needs, from all sockets of this process from now on, plain and TLS. False where
 * there is none.
 */
export async function withoutLending(): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
  socket.on("error", () => {});
  const owners = [socket, new TLSSocket(new Socket())].map((one) => {
    const handle = (one as Socket & { _handle?: Lending | null })._handle;
    return handle == null ? undefined : ownerOf(handle, "useUserBuffer");
  });
  await new Promise((resolve) => socket.once("close", resolve));
  await new Promise((resolve) => server.close(resolve));
  const found = owners.filter((owner) => owner !== undefined);
  for (const owner of found) {
    Object.defineProperty(owner, "useUserBuffer", { value: undefined, configurable: true });
  }
  return found.length > 0;
}

/** The object on the chain of prototypes that has the property. */
function ownerOf(object: object, name: string): object | undefined {
  let at: object | null = object;
  while (at !== null && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at) as object | null;
  return at ?? undefined;
}
