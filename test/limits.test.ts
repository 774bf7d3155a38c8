/**
 * The table of limits in the manual and the code agree: each section lists exactly the options that are numbers, with
 * the defaults that hold when nothing is said, and the off value that is taken.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { FetchContainer, fetchHandler } from "squall/fetch";
import { setParseBodyConfig } from "squall/httputil";
import { resolveOutboxOptions } from "squall/iostream";
import { LogRateLimit } from "squall/log";
import { NodeContainer, nodeListener } from "squall/node";
import { ReverseProxy } from "squall/proxy";
import { TCPServer } from "squall/tcpserver";
import { DictLoader } from "squall/template";
import { InvalidArgumentError } from "squall/util";
import { Application } from "squall/web";
import { WSGIContainer } from "squall/wsgi";
import { resolveEventSourceLimits } from "#room/http/client/event-source";
import { DEFAULTS } from "#room/http/client/request";
import { resolveRetryPolicy } from "#room/http/client/retry";
import { ClientSettings } from "#room/http/client/settings";
import { HTTP1ConnectionParameters } from "#room/http/connection/params";
import { StreamSettings } from "#room/net/stream/stream-settings";
import { DEFAULT_MAX_ARGUMENTS } from "#room/protocol/body/form";
import { resolveMultipartConfig } from "#room/protocol/body/multipart";
import { resolveWebSocketLimits } from "#room/protocol/websocket/limits";
import { resolveReconnectLimits } from "#room/websocket/reconnect";
import { readDeclarations } from "./support/declarations.js";
import { root } from "./support/root.js";
import { readSources } from "./support/source-tree.js";

interface Row {
  readonly option: string;
  readonly default: string;
  readonly off: string;
}

/** The rows of the tables by the heading above them. */
function tablesOf(page: string): Map<string, Row[]> {
  const tables = new Map<string, Row[]>();
  for (const section of page.split(/^## /m).slice(1)) {
    const rows = [...section.matchAll(/^\|[^|]*\| `(\w+)` *\| *([^|]*?) *\| *([^|]*?) *\|/gm)].map(
      ([, option = "", value = "", off = ""]): Row => ({ option, default: value, off }),
    );
    if (rows.length > 0) tables.set(section.slice(0, section.indexOf("\n")), rows);
  }
  return tables;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 1024, MiB: 1 << 20, ms: 1, s: 1000, days: 1 };

/** The number that the table shows, in the unit of the option. */
function numberOf(shown: string): number {
  if (shown === "off") return Number.POSITIVE_INFINITY;
  const [, digits = "", unit = ""] = /^([\d,]+) ?(\w*)$/.exec(shown) ?? [];
  const scale = UNITS[unit];
  assert.ok(digits !== "" && scale !== undefined, `${shown} is no default`);
  return Number(digits.replaceAll(",", "")) * scale;
}

const sources = readSources();

/** The default where the code fills it in: `options.name ?? 30_000`. */
function defaultInSource(file: string, option: string): number {
  const source = sources.get(file) ?? "";
  const found = new Set(
    [...source.matchAll(new RegExp(`\\b${option} \\?\\? ([\\w.*+ ]+?)[,);]`, "g"))].map(
      ([, text = ""]) => text,
    ),
  );
  assert.equal(found.size, 1, `${file} fills ${option} in in ${found.size} ways`);
  const [expression = ""] = found;
  if (expression === "Number.POSITIVE_INFINITY") return Number.POSITIVE_INFINITY;
  if (/^[\d_]+$/.test(expression)) return Number(expression.replaceAll("_", ""));
  const constant = new RegExp(`const ${expression}(?:: number)? = ([\\d_]+(?: \\* [\\d_]+)*);`).exec(
    source,
  )?.[1];
  assert.ok(constant !== undefined, `${file}: ${expression} is no number`);
  return constant
    .replaceAll("_", "")
    .split(" * ")
    .reduce((product, factor) => product * Number(factor), 1);
}

const declarations = readDeclarations();

/** The options of an interface that are a number and nothing else. */
function numericOptions(file: string, name: string): string[] {
  const declaration = declarations.get(file)?.declarations.get(name);
  assert.ok(declaration !== undefined, `${file} has no ${name}`);
  return declaration.members
    .filter(({ text }) => /^readonly \w+\?: number \| undefined;$/.test(text))
    .map((member) => member.name);
}

interface Section {
  /** The options that the section has to list. */
  readonly options: readonly string[];
  readonly defaultOf: (option: string) => number;
  /** Throws for a value that is not taken; does nothing where that cannot be tried by itself. */
  readonly accepts: (option: string, value: number) => void;
}

const parameters = new HTTP1ConnectionParameters();
const streams = new StreamSettings({});
const outboxLimits = resolveOutboxOptions({});
const multipart = resolveMultipartConfig();
const RETRY = resolveRetryPolicy({});
const client = new ClientSettings({});
const clientDefaults = {
  ...client,
  ...DEFAULTS,
  responseStallTimeout: client.params.bodyStallTimeout,
  requestStallTimeout: client.params.writeStallTimeout,
};
const streamOptions = numericOptions("net/stream/stream-settings.ts", "StreamOptions");
const multipartOptions = numericOptions("protocol/body/multipart.ts", "ParseMultipartConfig");

const SECTIONS: Readonly<Record<string, Section>> = {
  "Heads, bodies and pauses": {
    options: [
      ...numericOptions("http/connection/params.ts", "HTTP1ConnectionOptions"),
      ...numericOptions("protocol/http1/limits.ts", "HTTP1LimitsOptions"),
    ],
    defaultOf: (option) => ({ ...parameters.limits, ...parameters })[option as "maxHeaderSize"],
    accepts: (option, value) => void new HTTP1ConnectionParameters({ [option]: value }),
  },
  "Connections and buffers": {
    options: [...streamOptions, ...numericOptions("net/tcp-server.ts", "TCPServerOptions")],
    defaultOf: (option) =>
      streamOptions.includes(option)
        ? streams[option as "maxBufferSize"]
        : defaultInSource(
            option === "handshakeTimeout" ? "net/stream/tcp-stream.ts" : "net/tcp-server.ts",
            option,
          ),
    accepts: (option, value) => void new TCPServer({ [option]: value }),
  },
  "Slow consumers": {
    options: numericOptions("net/outbox.ts", "OutboxOptions"),
    defaultOf: (option) => outboxLimits[option as "maxQueuedBytes"],
    accepts: (option, value) => void resolveOutboxOptions({ [option]: value }),
  },
  Forms: {
    options: ["maxArguments", ...multipartOptions],
    defaultOf: (option) =>
      multipartOptions.includes(option) ? multipart[option as "maxParts"] : DEFAULT_MAX_ARGUMENTS,
    accepts(option, value) {
      setParseBodyConfig(
        option === "maxArguments" ? { [option]: value } : { multipart: { [option]: value } },
      );
      setParseBodyConfig({});
    },
  },
  Handlers: {
    options: ["handlerTimeout", "maxAgeDays"],
    defaultOf: (option) =>
      option === "handlerTimeout"
        ? Number.POSITIVE_INFINITY
        : defaultInSource("web/handler/signed-value.ts", option),
    accepts: () => {},
  },
  Clients: {
    options: [
      ...numericOptions("http/client/settings.ts", "AsyncHTTPClientOptions"),
      "connectTimeout",
      "requestTimeout",
      "maxRedirects",
    ],
    defaultOf: (option) => clientDefaults[option as "maxClients"],
    accepts: (option, value) => {
      if (!(option in DEFAULTS)) void new ClientSettings({ [option]: value });
    },
  },
  "Retries and event streams": {
    options: [
      ...numericOptions("http/client/retry.ts", "RetryPolicy").filter((option) => option !== "jitter"),
      ...numericOptions("http/client/event-source.ts", "EventSourceOptions"),
    ],
    defaultOf: (option) =>
      option in RETRY
        ? Number(RETRY[option as "attempts"])
        : defaultInSource("http/client/event-source.ts", option),
    accepts: (option, value) => {
      if (option in RETRY) resolveRetryPolicy({ [option]: value });
      else resolveEventSourceLimits({ [option]: value });
    },
  },
  "WebSockets that connect again": {
    options: numericOptions("websocket/reconnect.ts", "WebSocketReconnectOptions"),
    defaultOf: (option) => resolveReconnectLimits({})[option as "maxDelay"],
    accepts: (option, value) => void resolveReconnectLimits({ [option]: value }),
  },
  WebSockets: {
    options: numericOptions("protocol/websocket/limits.ts", "WebSocketLimitsOptions"),
    defaultOf: (option) => resolveWebSocketLimits()[option as "maxMessageSize"],
    accepts: (option, value) => void resolveWebSocketLimits({ [option]: value }),
  },
  Templates: {
    options: numericOptions("text/template/base-loader.ts", "LoaderOptions"),
    defaultOf: () => new DictLoader({}).maxIncludeDepth,
    accepts: (option, value) => void new DictLoader({}, { [option]: value }),
  },
  "Python applications": {
    options: numericOptions("interop/wsgi/options.ts", "WSGIContainerOptions").filter(
      (option) => option !== "workers" && option !== "threads",
    ),
    defaultOf: (option) => defaultInSource("interop/wsgi/options.ts", option),
    accepts: (option, value) => void new WSGIContainer("module:callable", { [option]: value }),
  },
  "Hosted applications": {
    options: [
      ...new Set([
        ...numericOptions("interop/node/container.ts", "NodeContainerOptions"),
        ...numericOptions("interop/fetch/container.ts", "FetchContainerOptions"),
        ...numericOptions("interop/node/listener.ts", "NodeListenerOptions"),
        ...numericOptions("interop/fetch/handler.ts", "FetchHandlerOptions"),
      ]),
    ],
    defaultOf: (option) => {
      const files = option === "timeout" ? "container" : undefined;
      const node = defaultInSource(`interop/node/${files ?? "listener"}.ts`, option);
      assert.equal(defaultInSource(`interop/fetch/${files ?? "handler"}.ts`, option), node);
      return node;
    },
    accepts: (option, value) => {
      const options = { [option]: value };
      if (option === "timeout")
        void [new NodeContainer(() => {}, options), new FetchContainer(() => new Response(), options)];
      else void [nodeListener(new Application([]), options), fetchHandler(new Application([]), options)];
    },
  },
  Proxies: {
    options: numericOptions("interop/proxy/options.ts", "ProxyOptions"),
    defaultOf: (option) => defaultInSource("interop/proxy/options.ts", option),
    accepts: (option, value) => void new ReverseProxy({ upstream: "http://old.example", [option]: value }),
  },
  "Threads, processes and the log": {
    options: [
      "maxQueue",
      ...numericOptions("net/process/workers.ts", "ForkOptions"),
      ...numericOptions("base/log-limit.ts", "LogRateLimitOptions"),
    ],
    defaultOf: (option) =>
      defaultInSource(
        option === "maxQueue"
          ? "async/threads/thread-executor.ts"
          : option === "maxRestarts"
            ? "net/process/workers.ts"
            : "base/log-limit.ts",
        option,
      ),
    accepts: (option, value) => void new LogRateLimit({ [option]: value }),
  },
};

describe("the page of limits", () => {
  const page = readFileSync(`${root}docs/guide/limits.md`, "utf8");
  const tables = tablesOf(page);

  test("has the sections that are compared", () => {
    assert.deepEqual([...tables.keys()].toSorted(), Object.keys(SECTIONS).toSorted());
  });

  for (const [title, section] of Object.entries(SECTIONS)) {
    const rows = tables.get(title) ?? [];

    test(`${title}: every option is listed, and no other`, () => {
      assert.deepEqual(rows.map(({ option }) => option).toSorted(), section.options.toSorted());
    });

    test(`${title}: the defaults are those of the code`, () => {
      for (const { option, default: shown } of rows) {
        assert.equal(numberOf(shown), section.defaultOf(option), option);
      }
    });

    test(`${title}: the off values are taken, where there are any`, () => {
      for (const { option, off } of rows) {
        const takeInfinity = (): void => section.accepts(option, Number.POSITIVE_INFINITY);
        assert.ok(off === "`Infinity`" || off === "–", `${option}: ${off}`);
        if (off === "–") assert.throws(takeInfinity, InvalidArgumentError);
        else takeInfinity();
      }
    });
  }

  test("what the text says of listen() and closeAllConnections() is so", () => {
    assert.match(page, /128 connections may wait/);
    assert.match(sources.get("net/node-network.ts") ?? "", /DEFAULT_BACKLOG = 128;/);
    assert.match(page, /requests 30 s unless/);
    assert.equal(defaultInSource("net/tcp-server.ts", "timeout"), 30_000);
  });
});

test("rows, numbers and defaults are read as they are meant", () => {
  const page = "# T\n\n## A\n\n| a | option | d | off |\n|--|--|--|--|\n| x | `y` | 1,000 | `Infinity` |\n";
  assert.deepEqual([...tablesOf(page)], [["A", [{ option: "y", default: "1,000", off: "`Infinity`" }]]]);
  assert.deepEqual(["8 KiB", "2 s", "off", "31 days"].map(numberOf), [
    8192,
    2000,
    Number.POSITIVE_INFINITY,
    31,
  ]);
  assert.throws(() => numberOf("some"), /no default/);
  assert.equal(defaultInSource("async/threads/thread-executor.ts", "maxQueue"), 1024);
  assert.throws(() => defaultInSource("async/threads/thread-executor.ts", "nothing"), /0 ways/);
});
