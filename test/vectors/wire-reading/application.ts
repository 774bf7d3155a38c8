/** What the application of the `wire` vectors answers to a request that was read whole. See `exchange.ts`. */

import { ABSOLUTE_TARGET, type Head, valuesOf } from "../../support/http1-twin/head.js";
import { esc } from "../apps/wire.js";

/** An answer of the application. */
export interface Reply {
  readonly status: number;
  /** Lines or text that the body has; undefined when the body is none of our business here. */
  readonly body?: string | readonly string[] | undefined;
  /** The Allow field of a 405. */
  readonly allow?: string | undefined;
  /** Its length is not known when its head is sent. */
  readonly unframed?: boolean;
  /** The body stops before its end. */
  readonly truncated?: boolean;
  /** The connection ends because the application says so, or failed. */
  readonly closes?: boolean;
  /** The rule that this answer is an example of. */
  readonly theme?: string | undefined;
  /** What is wrong with it cannot be told from the head alone: 400 is as good. */
  readonly orBadForm?: boolean;
}

const COMMON = ["GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS"];

interface Route {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
  readonly reply: (match: RegExpExecArray, request: Request) => Reply;
}

/** What a handler sees. */
export interface Request {
  readonly head: Head;
  readonly body: string;
  /** X-headers decide what the peer's address and protocol are. */
  readonly isProxied: boolean;
  readonly fields: Head["fields"];
}

const text = (body: string): Reply => ({ status: 200, body });
const page = (status: number, theme?: string): Reply => ({
  status,
  body: status === 304 ? "" : [`${status}: `],
  theme,
});
const SENDABLE = ["latin1", "tab"];

const ROUTES: readonly Route[] = [
  {
    pattern: /^\/echo.*$/,
    methods: COMMON,
    reply: (_, request) => ({ status: 200, body: echoLines(request) }),
  },
  { pattern: /^\*$/, methods: COMMON, reply: (_, request) => ({ status: 200, body: echoLines(request) }) },
  { pattern: /^\/hello$/, methods: ["GET", "POST"], reply: () => text("hello") },
  {
    pattern: /^\/chunked$/,
    methods: ["GET", "HEAD", "POST"],
    reply: () => ({ status: 200, body: "hello world!", unframed: true }),
  },
  {
    pattern: /^\/status\/(\d+)$/,
    methods: ["GET", "HEAD"],
    reply: (match) => {
      const status = Number(match[1]);
      // Nobody has taken the connection over, so it ends.
      if (status === 101) return { status, body: "", closes: true, theme: "unsendable-status" };
      return status < 200 || status > 999 ? page(500, "unsendable-status") : { status, body: "" };
    },
  },
  { pattern: /^\/length$/, methods: ["GET", "HEAD"], reply: () => text("0123456789") },
  { pattern: /^\/(?:short|long)$/, methods: ["GET"], reply: () => page(500, "length-does-not-fit") },
  {
    pattern: /^\/connclose$/,
    methods: ["GET"],
    reply: () => ({ ...text("bye"), closes: true, theme: "announced-close" }),
  },
  { pattern: /^\/early$/, methods: ["GET", "HEAD", "POST"], reply: () => text("early") },
  {
    pattern: /^\/stream$/,
    methods: ["GET", "POST", "PUT"],
    reply: (_, request) => text(`body=${esc(Buffer.from(request.body, "latin1"))}\n`),
  },
  { pattern: /^\/sleep$/, methods: ["GET"], reply: () => text("slept") },
  { pattern: /^\/raise$/, methods: ["GET"], reply: () => page(500) },
  {
    pattern: /^\/raise_after_flush$/,
    methods: ["GET"],
    reply: () => ({
      status: 200,
      body: "partial",
      unframed: true,
      truncated: true,
      closes: true,
      theme: "error-after-flush",
    }),
  },
  {
    pattern: /^\/error\/(\d+)$/,
    methods: ["GET"],
    reply: (match) =>
      match[1] === "204"
        ? { status: 204, body: "", theme: "error-without-body" }
        : { ...page(Number(match[1])), ...(match[1] === "405" ? { allow: "GET", theme: "allow" } : {}) },
  },
  {
    pattern: /^\/header\/(\w+)$/,
    methods: ["GET"],
    reply: (match) => (SENDABLE.includes(match[1]!) ? text("header set") : page(500)),
  },
];

/** The path that a target is routed by. */
export function pathOf(target: string): string {
  const rest = ABSOLUTE_TARGET.exec(target)?.[2] ?? target;
  const path = rest.split("?", 1)[0]!;
  return path === "" ? "/" : path;
}

/** What the application answers. */
export function answerOf(request: Request): Reply {
  const { method, target } = request.head;
  if (!COMMON.includes(method)) {
    return method === "TRACE" || method === "CONNECT" ? notAllowed(target, []) : page(501, "unknown-method");
  }
  const path = pathOf(target);
  for (const { pattern, methods, reply } of ROUTES) {
    const match = pattern.exec(path);
    if (match === null) continue;
    return methods.includes(method) || path === "/early"
      ? reply(match, request)
      : notAllowed(target, methods);
  }
  return page(404);
}

function notAllowed(target: string, methods: readonly string[]): Reply {
  const path = pathOf(target);
  const own =
    methods.length > 0 ? methods : (ROUTES.find(({ pattern }) => pattern.test(path))?.methods ?? []);
  return { ...page(405, "allow"), allow: own.join(", ") };
}

const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();

/**
 * The lines of an echo that follow from the head, and the body's. Arguments and files are left out, and the cookies of a
 * single line.
 */
function echoLines({ head, body, fields, isProxied }: Request): string[] {
  const absolute = ABSOLUTE_TARGET.exec(head.target);
  const [path, ...query] = (absolute?.[2] ?? head.target).split("?");
  const host = absolute?.[1] ?? valuesOf(head, "host")[0] ?? "127.0.0.1";
  const lines = [
    `method=${head.method}`,
    `uri=${esc(head.target)}`,
    `path=${esc(path === "" ? "/" : path!)}`,
    `query=${esc(query.join("?"))}`,
    `version=${head.version === "HTTP/1.0" ? "HTTP/1.0" : "HTTP/1.1"}`,
    `host=${esc(host)}`,
    `host_name=${esc(host.toLowerCase().replace(/(?<=.):[0-9]+$/, ""))}`,
  ];
  if (!isProxied) lines.push("remote_ip=127.0.0.1");
  const names = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const key = name.split("-").map(capital).join("-");
    names.set(key, [...(names.get(key) ?? []), value]);
  }
  // Equal repeats of a Content-Length are one field (RFC 9110 §8.6).
  const length = names.get("Content-Length")?.[0]?.split(",")[0];
  if (length !== undefined) names.set("Content-Length", [length.trim()]);
  for (const [name, values] of names) {
    for (const value of values) lines.push(`header:${esc(name)}=${esc(value)}`);
  }
  const cookies = valuesOf(head, "cookie");
  if (cookies.length > 1) {
    for (const cookie of cookies.flatMap((line) => line.split(";"))) lines.push(`cookie:${cookie.trim()}`);
  }
  lines.push(`body=${esc(Buffer.from(body, "latin1"))}`);
  return lines;
}
