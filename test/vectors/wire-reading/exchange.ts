/**
 * What we ought to answer to the bytes of one connection, told without our server: heads, bodies and the
 * application's answers one after the other, until the input breaks a rule, ends the connection or runs out.
 *
 * Each answer names its themes: in which ways Tornado is known to answer something else. A rule covers a case when
 * Tornado's answer is not this one and the first difference has the rule's theme; it holds when ours is this one.
 */

import { type Body, readBody } from "../../support/http1-twin/body.js";
import {
  ABSOLUTE_TARGET,
  type Framing,
  type Head,
  interpret,
  type Limits,
  membersOf,
  persists,
  readHead,
  valuesOf,
} from "../../support/http1-twin/head.js";
import type { VectorCase } from "../types.js";
import { answerOf, pathOf, type Reply } from "./application.js";
import type { Debt, Owed } from "./debt.js";
import { type Form, mediaType, readForm } from "./form.js";
import { unpack, unpackBeginning } from "./gzip.js";

interface Settings {
  readonly limits: Limits;
  readonly isProxied: boolean;
  readonly unpacks: boolean;
  readonly keepsAlive: boolean;
  readonly idleTimeout: boolean;
  readonly bodyTimeout: boolean;
}

const MIB = 1024 * 1024;
/** How much of an unwanted body is read to save the connection. */
const DRAIN = 256 * 1024;

function settingsOf(server: Readonly<Record<string, unknown>>): Settings {
  return {
    limits: {
      header: (server.max_header_size as number | undefined) ?? 64 * 1024,
      body: (server.max_body_size as number | undefined) ?? 100 * MIB,
    },
    isProxied: server.xheaders === true,
    unpacks: server.decompress_request === true,
    keepsAlive: server.no_keep_alive !== true,
    idleTimeout: server.idle_connection_timeout !== undefined,
    bodyTimeout: server.body_timeout !== undefined,
  };
}

/** Reads a case's bytes. */
export function debtOf(vector: VectorCase): Debt {
  const text = Buffer.concat(vector.args[0] as Buffer[]).toString("latin1");
  return new Reader(text, settingsOf((vector.kwargs.server ?? {}) as Record<string, unknown>)).read();
}

class Reader {
  readonly text: string;
  readonly settings: Settings;
  readonly responses: Owed[] = [];
  /** Where the next request begins. */
  at = 0;
  /** Why Tornado may end the connection after the request that was served last. */
  lastThemes: readonly string[] = [];

  constructor(text: string, settings: Settings) {
    this.text = text;
    this.settings = settings;
  }

  read(): Debt {
    const { text, settings } = this;
    while (true) {
      const head = readHead(text, this.at, settings.limits);
      if (head.kind === "waiting") {
        if (!settings.idleTimeout)
          return this.end(true, text.startsWith("\r\n", this.at) ? ["blank-lines-skipped"] : []);
        return head.begun ? this.refuse(408, "timeout") : this.end(false, []);
      }
      if (head.kind === "refused") return this.refuse(head.status, head.cause);
      const debt = this.serve(head);
      if (debt !== undefined) return debt;
    }
  }

  /** Serves one request; the debt when the connection or the input ends with it. */
  serve(head: Head): Debt | undefined {
    const framing = interpret(head);
    const themes = headThemes(head);
    if (framing.kind === "refused") return this.refuse(framing.status, framing.cause, themes);
    const expects =
      head.version !== "HTTP/1.0" && valuesOf(head, "expect").some((value) => /^100-continue$/i.test(value));
    const early = answerOf(request(head, "", this.settings));
    if (pathOf(head.target) === "/early" && early.status === 200) {
      return this.serveEarly(head, framing, early, expects, themes);
    }
    const isTooLong = framing.kind === "length" && framing.length > BigInt(this.settings.limits.body);
    if (expects && !isTooLong) this.owe({ status: 100 }, false, ["expect-case"]);
    const body = readBody(this.text, head.end, framing, this.settings.limits);
    if (body.kind === "refused") return this.refuse(body.status, body.cause, themes);
    if (body.kind === "waiting") return this.waitForBody(head, framing, [...(body.themes ?? []), ...themes]);
    this.at = body.end;
    return this.serveWhole(head, body, themes);
  }

  /** A request that is answered before its body was read: the body is thrown away if it is short. */
  serveEarly(
    head: Head,
    framing: Framing,
    reply: Reply,
    expects: boolean,
    themes: readonly string[],
  ): Debt | undefined {
    const isShort = framing.kind === "chunked" || framing.length <= BigInt(DRAIN);
    const persists = this.persists(head, false) && isShort && !expects;
    const delivery = connectionOf(head, persists, reply);
    this.owe(reply, head.method === "HEAD", ["early-answer", ...themes], delivery);
    if (!persists) return this.end(false, ["early-answer"]);
    const body = readBody(this.text, head.end, framing, this.settings.limits);
    // What is wrong with it concerns nobody; its request has had its answer.
    if (body.kind === "refused") return this.end(false, ["early-answer"]);
    if (body.kind === "waiting") {
      return this.end(!this.settings.bodyTimeout, [...(body.themes ?? []), "early-answer", ...themes]);
    }
    this.at = body.end;
    this.lastThemes = ["early-answer"];
    return undefined;
  }

  /** The body is not all there; what is there of it may be wrong already. */
  waitForBody(head: Head, framing: Framing, themes: readonly string[]): Debt {
    const { text, settings } = this;
    if (this.isPacked(head) && framing.kind === "length") {
      const wrong = unpackBeginning(text.slice(head.end), settings.limits.body);
      if (wrong !== undefined) return this.refuse(wrong.status, wrong.cause, themes);
    }
    return settings.bodyTimeout ? this.refuse(408, "timeout", themes) : this.end(true, themes);
  }

  /** A request that is all there. */
  serveWhole(head: Head, body: Body, themes: string[]): Debt | undefined {
    const { settings } = this;
    if (body.hasExtensions) themes.push("chunk-extensions");
    if (body.trailers.length > 0) themes.push("trailers");
    let content = body.text;
    let fields = head.fields;
    if (this.isPacked(head)) {
      const unpacked = unpack(content, settings.limits.body);
      if (unpacked.kind === "refused") return this.refuse(unpacked.status, unpacked.cause, themes);
      const coding = valuesOf(head, "content-encoding")[0]!;
      themes.push(/^x-gzip$/i.test(coding) ? "x-gzip" : "gzip-trailing-bytes");
      content = unpacked.text;
      fields = [
        ...fields.filter(([name]) => name.toLowerCase() !== "content-encoding"),
        ["X-Consumed-Content-Encoding", coding],
      ];
    }
    const form = readForm(contentTypeOf(head), content);
    const seen = request({ ...head, fields }, content, settings);
    const reply = formReply(head, fields, form, answerOf(seen));
    if (isFormType(head) || looksLikeForm(head)) themes.push("form-type");
    const isUnframed = reply.unframed === true && head.method !== "HEAD";
    const persists = this.persists(head, isUnframed) && reply.closes !== true;
    this.owe(reply, head.method === "HEAD", themes, {
      ...connectionOf(head, persists, reply),
      form: isEcho(head) && reply.status === 200 && form.kind !== "unknown" ? linesOf(form) : undefined,
      chunked: isUnframed && head.version !== "HTTP/1.0",
      // To HTTP/1.0 the end of the connection is the end of the body.
      truncated: reply.truncated === true && head.version !== "HTTP/1.0" && head.method !== "HEAD",
    });
    this.lastThemes = [...themes, ...(reply.theme === undefined ? [] : [reply.theme])];
    return persists ? undefined : this.end(false, []);
  }

  isPacked(head: Head): boolean {
    const codings = valuesOf(head, "content-encoding");
    return this.settings.unpacks && codings.length === 1 && /^(?:x-)?gzip$/i.test(codings[0]!);
  }

  persists(head: Head, unframed: boolean): boolean {
    if (!this.settings.keepsAlive || !persists(head)) return false;
    return head.version !== "HTTP/1.0" || !unframed;
  }

  owe(
    reply: Reply,
    isHead: boolean,
    themes: readonly string[],
    delivery: {
      connection?: string;
      chunked?: boolean;
      truncated?: boolean;
      form?: readonly string[] | undefined;
    } = {},
  ): void {
    this.responses.push({
      status: reply.status,
      isHead,
      truncated: delivery.truncated ?? false,
      connection: delivery.connection,
      chunked: delivery.chunked,
      body: reply.body,
      allow: reply.allow,
      orBadForm: reply.orBadForm ?? false,
      form: delivery.form,
      isRefusal: false,
      themes: reply.theme === undefined ? themes : [reply.theme, ...themes],
    });
  }

  refuse(status: number, cause: string, others: readonly string[] = []): Debt {
    this.responses.push({
      status,
      isHead: false,
      truncated: false,
      connection: undefined,
      chunked: undefined,
      body: "",
      allow: undefined,
      orBadForm: false,
      form: undefined,
      isRefusal: true,
      themes: [cause, ...others],
    });
    return this.end(false, [cause, ...others]);
  }

  end(open: boolean, themes: readonly string[]): Debt {
    return { responses: this.responses, open, endThemes: [...themes, ...this.lastThemes] };
  }
}

function request(head: Head, body: string, settings: Settings) {
  return { head, body, isProxied: settings.isProxied, fields: head.fields };
}

/** What the Connection field of an answer says (RFC 9112 §9.3, §9.6). */
function connectionOf(head: Head, persists: boolean, reply: Reply): { connection?: string } {
  // What fails after its head has gone could not announce it.
  if (reply.truncated === true) return {};
  // An upgrade that nobody asked for.
  if (reply.status === 101) return { connection: "" };
  if (head.version !== "HTTP/1.0") return { connection: persists ? "" : "close" };
  if (persists) return { connection: "keep-alive" };
  return { connection: reply.theme === "announced-close" ? "close" : "" };
}

/** In which ways Tornado takes a well-formed head otherwise. */
function headThemes(head: Head): string[] {
  const themes: string[] = [];
  const options = membersOf(head, "connection");
  if (head.blankLines > 1) themes.push("blank-lines-skipped");
  if (ABSOLUTE_TARGET.test(head.target)) themes.push("absolute-form");
  if (!/^HTTP\/1\.[01]$/.test(head.version)) themes.push("minor-version");
  if (head.version === "HTTP/1.0" && valuesOf(head, "expect").length > 0) themes.push("expect-http10");
  if (valuesOf(head, "host").some((host) => host.includes(","))) themes.push("host");
  if (valuesOf(head, "cookie").length > 1) themes.push("cookie-lines");
  if (options.includes("close")) themes.push("connection-options");
  if (head.version === "HTTP/1.0" && options.includes("keep-alive")) themes.push("http10-keep-alive");
  return themes;
}

function contentTypeOf(head: Head): string {
  return valuesOf(head, "content-type").join(",");
}

function isFormType(head: Head): boolean {
  return ["multipart/form-data", "application/x-www-form-urlencoded"].includes(
    mediaType(contentTypeOf(head)),
  );
}

/** What Tornado takes for a form: its media type begins like this, in this case. */
function looksLikeForm(head: Head): boolean {
  return /^(?:multipart\/form-data|application\/x-www-form-urlencoded)/.test(contentTypeOf(head));
}

function isEcho(head: Head): boolean {
  return head.method !== "HEAD" && pathOf(head.target).startsWith("/echo");
}

function linesOf(form: Form): readonly string[] {
  return form.kind === "form" ? form.lines : [];
}

/** The answer when the body is a form: it is read before the handler's method is called. */
function formReply(head: Head, fields: Head["fields"], form: Form, reply: Reply): Reply {
  const isRead = reply.theme !== "unknown-method" && head.method !== "TRACE" && head.method !== "CONNECT";
  if (form.kind === "none" || !isRead || pathOf(head.target) === "/stream") return reply;
  const isEncoded = ([name, value]: readonly [string, string]) =>
    name.toLowerCase() === "content-encoding" && value.toLowerCase() !== "identity";
  if (fields.some(isEncoded)) {
    return { status: 415, body: ["415: "], theme: "form-content-encoding" };
  }
  if (form.kind === "bad") return { status: 400, body: ["400: "] };
  return form.kind === "unknown" ? { ...reply, orBadForm: true } : reply;
}
