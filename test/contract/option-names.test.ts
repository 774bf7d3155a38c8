/**
 * What everything that takes options promises about their names, asked of each door by one table: an option that does
 * not exist is refused and not ignored, and where it resembles one that does, the message says which was meant.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { start } from "squall/autoreload";
import { ThreadExecutor } from "squall/concurrent";
import { linkify } from "squall/escape";
import { sleep, withTimeout } from "squall/gen";
import { AsyncHTTPClient } from "squall/httpclient";
import { setParseBodyConfig } from "squall/httputil";
import { IOLoop, PeriodicCallback } from "squall/ioloop";
import { IOStream, SSLIOStream } from "squall/iostream";
import { get as getLocale, loadGettextTranslations, loadTranslations } from "squall/locale";
import { Semaphore } from "squall/locks";
import { RotatingFileHandler, StreamHandler, TimedRotatingFileHandler } from "squall/log";
import {
  bindSockets,
  bindUnixSocket,
  CaresResolver,
  OverrideResolver,
  Resolver,
  sslWrapSocket,
} from "squall/netutil";
import { OptionParser } from "squall/options";
import { forkProcesses, Subprocess } from "squall/process";
import { PriorityQueue, Queue } from "squall/queues";
import { TCPClient } from "squall/tcpclient";
import { TCPServer } from "squall/tcpserver";
import { DictLoader, Template } from "squall/template";
import { createSignedValue, decodeSignedValue } from "squall/web";
import { MultipartReader } from "#room/protocol/body/multipart-reader";
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
  "new TCPClient()": ["resolver", (options) => new TCPClient(options)],
  "TCPClient.connect()": ["sourceIp", (options) => new TCPClient().connect("127.0.0.1", 9, options)],
  "new Resolver()": ["ioLoop", (options) => new Resolver(options)],
  "new CaresResolver()": ["ioLoop", (options) => new CaresResolver(options)],
  "Resolver.resolve()": ["family", (options) => new Resolver().resolve("127.0.0.1", 9, options)],
  "sslWrapSocket()": ["serverHostname", (options) => sslWrapSocket(undefined as never, {}, options)],
  "IOStream.connect()": ["sourcePort", (options) => new IOStream().connect({ path: "unused" }, options)],
  "IOStream.startTls()": ["serverHostname", (options) => new IOStream().startTls(false, options)],
  "IOStream.readBytes()": ["partial", (options) => new IOStream().readBytes(1, options)],
  "IOStream.readUntil()": ["maxBytes", (options) => new IOStream().readUntil("x", options)],
  "IOStream.write()": ["encoding", (options) => new IOStream().write("x", options)],
  "new Subprocess()": ["stdout", (options) => new Subprocess([process.execPath, "-v"], options)],
  "forkProcesses()": ["maxRestarts", (options) => forkProcesses(2, options)],
  "new IOLoop()": ["makeCurrent", (options) => new IOLoop(options)],
  "new PeriodicCallback()": ["jitter", (options) => new PeriodicCallback(() => {}, 1, options)],
  "Queue.get()": ["timeout", (options) => new Queue().get(options)],
  "new Queue()": ["maxsize", (options) => new Queue(options)],
  "new Semaphore()": ["value", (options) => new Semaphore(options)],
  "sleep()": ["signal", (options) => sleep(1, options)],
  "withTimeout()": ["quietExceptions", (options) => withTimeout(1, Promise.resolve(), options)],
  "new ThreadExecutor()": ["maxWorkers", (options) => new ThreadExecutor("file:///unused.js", options)],
  "ThreadExecutor.shutdown()": [
    "cancelPending",
    (options) => new ThreadExecutor("file:///unused.js").shutdown(options),
  ],
  "linkify()": ["extraParams", (options) => linkify("", options)],
  "Locale.formatDate()": ["gmtOffset", (options) => getLocale("en").formatDate(0, options)],
  "Locale.formatDay()": ["gmtOffset", (options) => getLocale("en").formatDay(0, options)],
  "loadTranslations()": ["encoding", (options) => loadTranslations("unused", options)],
  "loadGettextTranslations()": ["parser", (options) => loadGettextTranslations("unused", "x", options)],
  "new Template()": ["autoescape", (options) => new Template("", options)],
  "new DictLoader()": ["autoescape", (options) => new DictLoader({}, options)],
  "autoreload.start()": ["checkTime", (options) => start(options)],
  "parseConfigFile()": ["final", (options) => new OptionParser().parseConfigFile("unused", options)],
  "parseCommandLine()": ["final", (options) => new OptionParser().parseCommandLine([], options)],
  "new StreamHandler()": ["formatter", (options) => new StreamHandler(options)],
  "options of TLS": ["certReqs", (options) => new TCPServer({ sslOptions: options })],
  "options of TLS, Node's": ["rejectUnauthorized", (options) => new TCPServer({ sslOptions: options })],
  "createSignedValue()": ["keyVersion", (options) => createSignedValue("secret", "a", "b", options)],
  "decodeSignedValue()": ["maxAgeDays", (options) => decodeSignedValue("secret", "a", "b", options)],
  "setParseBodyConfig()": ["maxArguments", setParseBodyConfig as Call],
  "setParseBodyConfig({ multipart })": [
    "maxPartHeaderSize",
    (options) => setParseBodyConfig({ multipart: options }),
  ],
  "readParts()": ["maxPartSize", (options) => new MultipartReader("x", options)],
  "fetch() with retry": [
    "maxDelay",
    (options) => new AsyncHTTPClient().fetch("http://127.0.0.1:9/", { retry: options }),
  ],
  "new RotatingFileHandler()": [
    "backups",
    (options: object) => new RotatingFileHandler({ path: "unused", ...options }),
  ],
  "new TimedRotatingFileHandler()": [
    "interval",
    (options: object) => new TimedRotatingFileHandler({ path: "unused", ...options }),
  ],
  "define()": ["multiple", (options) => new OptionParser().define("x", options)],
  "new PriorityQueue()": ["compare", (options) => new PriorityQueue(options)],
  "new OverrideResolver()": ["mapping", (options) => new OverrideResolver(options)],
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
