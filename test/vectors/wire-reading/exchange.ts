/**
 * What we ought to answer to the bytes of one connection, told without our server: heads, bodies and the
 * application's answers one after the other, until the input breaks a rule, ends the connection or runs out.
 *
 * Each answer names its themes: in which ways Tornado is known to answer something else. A rule covers a case when
 * Tornado's answer is not this one and the first difference has the rule's theme; it holds when ours is this one.
 */
import type { RawResponse } from "../../support/raw-client.js";
import type { VectorCase } from "../types.js";
import type { VectorAnswer, VectorResponse, WireAnswer } from "../wire-compare.js";
import { answerOf, pathOf, type Reply } from "./application.js";
import { readBody, unpack } from "./body.js";
import { type Form, mediaType, readForm } from "./form.js";
import { ABSOLUTE_TARGET, type Head, interpret, type Limits, membersOf, readHead, valuesOf } from "./head.js";

/** One response that we owe, with what it may be told by. */
export interface Owed {
  readonly status: number;
  readonly isHead: boolean;
  readonly truncated: boolean;
  /** The Connection field in lower case, "" for none; undefined where it does not matter. */
  readonly connection: string | undefined;
  /** In chunks or not; undefined where it does not matter. */
  readonly chunked: boolean | undefined;
  readonly body: Reply["body"];
  readonly allow: string | undefined;
  readonly orBadForm: boolean;
  /** The lines of a form, sorted; undefined where they are not known. */
  readonly form: readonly string[] | undefined;
  /** The input broke a rule. */
  readonly isRefusal: boolean;
  readonly themes: readonly string[];
}

/** Everything that we owe on one connection. */
export interface Debt {
  readonly responses: readonly Owed[];
  readonly open: boolean;
  /** Why Tornado may end the connection otherwise, or say more. */
  readonly endThemes: readonly string[];
}

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
  at = 0;

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
    const { text, settings } = this;
    const framing = interpret(head);
    if (framing.kind === "refused") return this.refuse(framing.status, framing.cause, headThemes(head));
    const themes = headThemes(head);
    const isTooLong = framing.kind === "length" && framing.length > BigInt(settings.limits.body);
    const expects =
      head.version !== "HTTP/1.0" && valuesOf(head, "expect").some((value) => /^100-continue$/i.test(value));
    const isEarly = pathOf(head.target) === "/early" && answerOf(request(head, "", settings)).status === 200;
    if (expects && !isEarly && !isTooLong) this.owe({ status: 100 }, false, ["expect-case"]);
    if (isEarly) {
      const reply = answerOf(request(head, "", settings));
      const isDrained = !expects && (framing.kind === "chunked" || framing.length <= BigInt(DRAIN));
      const persists = this.persists(head, false) && isDrained;
      const delivery = connectionOf(head, persists, reply);
      this.owe(reply, head.method === "HEAD", ["early-answer", ...themes], delivery);
      if (!persists) return this.end(false, ["early-answer"]);
    }
    const body = readBody(text, head.end, framing, settings.limits);
    if (body.kind === "waiting") {
      const seen = [...(body.themes ?? []), ...(isEarly ? ["early-answer"] : []), ...themes];
      if (!settings.bodyTimeout) return this.end(true, seen);
      return isEarly ? this.end(false, []) : this.refuse(408, "timeout", themes);
    }
    if (body.kind === "refused") {
      return isEarly ? this.end(false, ["early-answer"]) : this.refuse(body.status, body.cause, themes);
    }
    this.at = body.end;
    if (isEarly) {
      this.lastThemes = ["early-answer"];
      return undefined;
    }
    if (body.hasExtensions) themes.push("chunk-extensions");
    if (body.trailers > 0) themes.push("trailers");

    let content = body.text;
    let fields = head.fields;
    const codings = valuesOf(head, "content-encoding");
    if (settings.unpacks && codings.length === 1 && /^(?:x-)?gzip$/i.test(codings[0]!)) {
      const unpacked = unpack(content, settings.limits.body);
      if (unpacked.kind === "refused") return this.refuse(unpacked.status, unpacked.cause, themes);
      themes.push(/^x-gzip$/i.test(codings[0]!) ? "x-gzip" : "gzip-trailing-bytes");
      content = unpacked.text;
      fields = [
        ...fields.filter(([name]) => name.toLowerCase() !== "content-encoding"),
        ["X-Consumed-Content-Encoding", codings[0]!],
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

  lastThemes: string[] = [];

  persists(head: Head, unframed: boolean): boolean {
    if (!this.settings.keepsAlive) return false;
    const options = membersOf(head, "connection");
    if (options.includes("close")) return false;
    return head.version !== "HTTP/1.0" || (options.includes("keep-alive") && !unframed);
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
  if (membersOf(head, "content-length").length > 1) themes.push("content-length-as-sent");
  if (head.version === "HTTP/1.0" && valuesOf(head, "expect").length > 0) themes.push("expect-http10");
  if (valuesOf(head, "host").some((host) => host.includes(","))) themes.push("host");
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
  if (fields.some(([name]) => name.toLowerCase() === "content-encoding")) {
    return { status: 415, body: ["415: "], theme: "form-content-encoding" };
  }
  if (form.kind === "bad") return { status: 400, body: ["400: "] };
  return form.kind === "unknown" ? { ...reply, orBadForm: true } : reply;
}

/** Whether a response is the one that is owed. */
export function pays(response: VectorResponse | RawResponse, owed: Owed): boolean {
  if (owed.orBadForm && response.status === 400) return true;
  if (response.status !== owed.status || (response.truncated ?? false) !== owed.truncated) return false;
  const connection = response.headers.find(([name]) => name.toLowerCase() === "connection")?.[1];
  if (owed.connection !== undefined && (connection?.toLowerCase() ?? "") !== owed.connection) return false;
  if (owed.chunked !== undefined && (response.chunks !== undefined) !== owed.chunked) return false;
  const allow = response.headers.find(([name]) => name.toLowerCase() === "allow")?.[1];
  if (owed.allow !== undefined && allow !== owed.allow) return false;
  if (owed.isHead) return response.body.length === 0;
  const body = response.body.toString("latin1");
  if (owed.form !== undefined) {
    const lines = body.split("\n").filter((line) => /^(?:body_arg|file):/.test(line));
    if (lines.sort().join("\n") !== owed.form.join("\n")) return false;
  }
  if (owed.body === undefined || typeof owed.body === "string")
    return owed.body === undefined || body === owed.body;
  let at = 0;
  return owed.body.every((line) => {
    const found = body.indexOf(line, at);
    at = found + line.length;
    return found !== -1;
  });
}

/** Because of these Tornado ends the connection after a request that was answered as usual. */
const ENDING: readonly string[] = ["early-answer", "minor-version", "http10-keep-alive", "unsendable-status"];

/** Which themes may explain the first difference between Tornado's answer and what is owed; undefined without one. */
export function difference(debt: Debt, tornado: VectorAnswer): readonly string[] | undefined {
  const theirs = tornado.responses ?? [];
  for (const [i, owed] of debt.responses.entries()) {
    const response = theirs[i];
    if (response !== undefined && pays(response, owed)) continue;
    if (response !== undefined) return owed.themes;
    // Tornado waits for more of a head that can no longer become one, has closed so abruptly that its answer was
    // lost, or has ended the connection before it.
    const themes = owed.isRefusal ? [...owed.themes, "refused-at-once"] : owed.themes;
    if (tornado.open) return themes;
    return [...(debt.responses[i - 1]?.themes.filter((theme) => ENDING.includes(theme)) ?? []), ...themes];
  }
  if (theirs.length !== debt.responses.length || tornado.open !== debt.open) return debt.endThemes;
  return undefined;
}

/** Whether our answer is what is owed. */
export function isPaid(debt: Debt, ours: WireAnswer): boolean {
  return (
    ours.open === debt.open &&
    ours.responses.length === debt.responses.length &&
    debt.responses.every((owed, i) => pays(ours.responses[i]!, owed))
  );
}
