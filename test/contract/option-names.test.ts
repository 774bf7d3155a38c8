/**
 * What everything that takes options promises about their names, asked of each door by one table: an option that does
 * not exist is refused and not ignored, and where it resembles one that does, the message says which was meant.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IOStream, SSLIOStream } from "squall/iostream";
import { bindSockets, bindUnixSocket } from "squall/netutil";
import { TCPServer } from "squall/tcpserver";
import "../support/guard.js";

/** Calls something with options whose names the compiler would refuse. */
type Call = (options: never) => unknown;

/** What takes options, how it is called, and one option of it that exists. */
const doors: Readonly<Record<string, readonly [option: string, call: Call]>> = {
  "new TCPServer()": ["maxConnections", (options) => new TCPServer(options)],
  "TCPServer.listen()": ["address", (options) => new TCPServer().listen(0, options)],
  "TCPServer.bind()": ["reusePort", (options) => new TCPServer().bind(0, options)],
  "TCPServer.closeAllConnections()": ["timeout", (options) => new TCPServer().closeAllConnections(options)],
  "bindSockets()": ["address", (options) => bindSockets(0, options)],
  "bindUnixSocket()": ["backlog", (options) => bindUnixSocket("unused", options)],
  "new IOStream()": ["maxBufferSize", (options) => new IOStream(undefined, options)],
  "new SSLIOStream()": ["handshakeTimeout", (options) => new SSLIOStream(undefined, options)],
};

/** A slip of the finger, and the way of Python. */
function misspelt(option: string): string[] {
  const python = option.replace(/[A-Z]+/g, (capitals) => `_${capitals.toLowerCase()}`);
  const swapped = option.slice(0, -2) + option.at(-1) + option.at(-2);
  return [swapped, python].filter((name) => name !== option);
}

async function refuses(call: Call, options: object, message: RegExp): Promise<void> {
  await assert.rejects(async () => call(options as never), { code: "ERR_SQUALL_INVALID_ARGUMENT", message });
}

describe("an option with a misspelt name is refused, and the message says which was meant:", () => {
  for (const [door, [option, call]] of Object.entries(doors)) {
    test(door, async () => {
      for (const name of misspelt(option)) {
        await refuses(call, { [name]: undefined }, new RegExp(`"${name}"; did you mean "${option}"\\?$`));
      }
    });
  }
});

test("a TCPServer listens nowhere when it is told where by a name that Node has for it", async () => {
  for (const name of ["host", "hostname", "Host"]) {
    const server = new TCPServer();
    const message = new RegExp(`^unknown option of listen\\(\\) "${name}"; did you mean "address"\\?$`);
    await refuses((options) => server.listen(0, options), { [name]: "127.0.0.1" }, message);
    await refuses((options) => server.bind(0, options), { [name]: "127.0.0.1" }, message);
    await refuses((options) => bindSockets(0, options), { [name]: "127.0.0.1" }, message);
    assert.deepEqual(server.addresses, []);
  }
  const server = new TCPServer();
  await refuses((options) => server.listen(0, options), { interface: "lo" }, /^unknown option of listen\(\)/);
  await refuses(
    (options) => server.listen(0, options),
    { maxConnections: 5 },
    /; it is one of the server, for its constructor$/,
  );
  await refuses(
    (options) => server.listen(0, options),
    () => {},
    /^listen\(\) takes no callback/,
  );
});

test("a subclass of TCPServer may have options of its own", () => {
  class Greeter extends TCPServer {
    constructor(options: { readonly greeting: string }) {
      super(options as object);
    }
  }
  assert.doesNotThrow(() => new Greeter({ greeting: "hello" }));
});
