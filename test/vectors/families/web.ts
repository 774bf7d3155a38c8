/**
 * The vectors of `web`: what handlers do, one call at a time. The clock stands still.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { IOLoop } from "squall/ioloop";
import { Locale } from "squall/locale";
import { genLog } from "squall/log";
import { VirtualLoop } from "squall/testing";
import {
  Application,
  addslash,
  authenticated,
  createSignedValue,
  decodeSignedValue,
  GZipContentEncoding,
  getSignatureKeyVersion,
  HTTPError,
  isAbsolute,
  MissingArgumentError,
  RedirectHandler,
  RequestHandler,
  removeslash,
  StaticFileHandler,
} from "squall/web";
import { currentLoop, setCurrentLoop } from "#room/async/current-loop";
import { HTTPServerRequest } from "#room/http/request";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import { locales } from "#room/text/locale/locale";
import { createHandler } from "#room/web/application/handler-delegate";
import { stateOf } from "#room/web/handler/handler-state";
import { type HeaderValue, headerText } from "#room/web/handler/header-value";
import { decodeXsrfToken, xsrfTokenOf } from "#room/web/handler/xsrf";
import { FakeConnection } from "../../support/fake-exchange.js";
import type { Family, VectorFunction } from "../types.js";

// The secrets of the vectors are short, and each makes a warning.
genLog.setLevel("error");

type Options = Readonly<Record<string, unknown>>;

/** Python's keyword arguments as our options. */
function camel(options: Options): Record<string, unknown> {
  const renamed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    // A map of secrets comes as `$dict`.
    renamed[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] =
      value instanceof Map ? Object.fromEntries(value) : value;
  }
  return renamed;
}

interface HandlerOptions {
  readonly method?: string;
  readonly uri?: string;
  readonly headers?: Record<string, string | null>;
  readonly body?: string | Uint8Array | undefined;
  readonly settings?: Options;
  readonly host?: string;
  readonly protocol?: string;
  readonly handlerClass?: typeof RequestHandler;
  readonly kwargs?: Options;
}

interface TestHandler {
  readonly handler: RequestHandler;
  readonly connection: FakeConnection;
}

function makeHandler(options: HandlerOptions = {}): TestHandler {
  const connection = new FakeConnection();
  Object.assign(connection, { peer: { remoteIp: "127.0.0.1", protocol: options.protocol ?? "http" } });
  const headers = new HTTPHeaders();
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (value !== null) headers.add(name, value);
  if (options.body !== undefined) headers.set("Content-Type", "application/x-www-form-urlencoded");
  const request = new HTTPServerRequest({
    method: options.method ?? "GET",
    uri: options.uri ?? "/",
    version: "HTTP/1.1",
    host: options.host ?? "example.com",
    headers,
    connection,
    body: options.body === undefined ? undefined : Buffer.from(options.body as string),
  });
  request.parseBody();
  const application = new Application([], camel(options.settings ?? {}));
  const handler = createHandler(
    options.handlerClass ?? RequestHandler,
    application,
    request,
    options.kwargs ?? {},
  );
  return { handler, connection };
}

/** The `Set-Cookie` values that a handler would send. */
const cookiesOf = ({ handler }: TestHandler): string[] => [
  ...(stateOf(handler).extras?.cookies?.values() ?? []),
];

const cookieHeader = (cookie: unknown): Record<string, string> =>
  cookie == null ? {} : { Cookie: cookie as string };

/** Runs with the loop's clock at the file's `clock`, or at another time. */
function atTime(vectorFunction: VectorFunction): VectorFunction {
  return (args, kwargs, context) => {
    const before = currentLoop() as IOLoop | undefined;
    const loop = new VirtualLoop({
      wallTime: (context.file.more.clock as number) * 1000,
      makeCurrent: false,
    });
    loop.makeCurrent();
    const restore = (): void => {
      loop.close();
      setCurrentLoop(before);
    };
    let result: unknown;
    try {
      result = vectorFunction(args, kwargs, context);
    } catch (error) {
      restore();
      throw error;
    }
    if (result instanceof Promise) return result.finally(restore);
    restore();
    return result;
  };
}

const clockOf = (kwargs: Options, file: { more: Options }) => () =>
  (kwargs.clock ?? file.more.clock) as number;
/** A map of secrets comes as `$dict`. */
const secretOf = (secret: unknown): string =>
  (secret instanceof Map ? Object.fromEntries(secret) : secret) as string;

/** What a decorated or redirecting handler did. */
function outcome({ connection }: TestHandler, called: boolean): unknown {
  return called ? { called } : { status: connection.status, location: connection.header("Location") };
}

/** Runs a decorated get(). */
function decorated(
  decorator: typeof addslash,
  options: HandlerOptions & { readonly user?: unknown },
): unknown {
  let called = false;
  const test = makeHandler(options);
  test.handler.currentUser = options.user;
  decorator(function (this: RequestHandler) {
    called = true;
  }).call(test.handler);
  return outcome(test, called);
}

const ARGUMENT_METHODS: Readonly<
  Record<
    string,
    | "getArgument"
    | "getArguments"
    | "getQueryArgument"
    | "getQueryArguments"
    | "getBodyArgument"
    | "getBodyArguments"
  >
> = {
  get_argument: "getArgument",
  get_arguments: "getArguments",
  get_query_argument: "getQueryArgument",
  get_query_arguments: "getQueryArguments",
  get_body_argument: "getBodyArgument",
  get_body_arguments: "getBodyArguments",
};

const httpError = (error: HTTPError): Record<string, unknown> => ({
  str: String(error),
  status_code: error.statusCode,
  log_message: error.logMessage,
});

const functions: Record<string, VectorFunction> = {
  "web.create_signed_value": ([secret, name, value]: readonly string[], kwargs, { file }) =>
    createSignedValue(secretOf(secret), name!, value!, {
      version: kwargs.version as number,
      keyVersion: kwargs.key_version as number,
      clock: clockOf(kwargs, file),
    }),

  "web.decode_signed_value": ([secret, name, value]: readonly string[], kwargs, { file }) =>
    decodeSignedValue(secretOf(secret), String(name), value, {
      maxAgeDays: kwargs.max_age_days as number,
      minVersion: kwargs.min_version as number,
      clock: clockOf(kwargs, file),
    }),

  "web.get_signature_key_version": ([value]: readonly string[]) => getSignatureKeyVersion(value!),

  "web.RequestHandler.set_cookie"([calls]: readonly [string, string, Options][][]) {
    const test = makeHandler();
    for (const [name, value, options] of calls!) test.handler.setCookie(name, value, camel(options));
    return cookiesOf(test);
  },

  "web.RequestHandler.clear_cookie"([name, options]: readonly [string, Options]) {
    const test = makeHandler();
    test.handler.clearCookie(name, camel(options));
    return cookiesOf(test);
  },

  "web.RequestHandler.clear_all_cookies"([cookie, options]: readonly [string, Options]) {
    const test = makeHandler({ headers: cookieHeader(cookie) });
    test.handler.clearAllCookies(camel(options));
    return cookiesOf(test);
  },

  "web.RequestHandler.set_signed_cookie"([name, value, options, settings]: readonly [
    string,
    string,
    Options,
    Options,
  ]) {
    const test = makeHandler({ settings });
    test.handler.setSignedCookie(name, value, camel(options));
    return cookiesOf(test);
  },

  "web.RequestHandler.get_signed_cookie"([name, cookie, options, settings]: readonly [
    string,
    string,
    Options,
    Options,
  ]) {
    const { handler } = makeHandler({ headers: cookieHeader(cookie), settings });
    return {
      value: handler.getSignedCookie(name, camel(options)),
      key_version: handler.getSignedCookieKeyVersion(name),
    };
  },

  "web.RequestHandler.get_cookie": ([cookie, name, fallback]: readonly string[]) =>
    makeHandler({ headers: cookieHeader(cookie) }).handler.getCookie(name!, fallback),

  "web.RequestHandler.arguments"([uri, method, args, kwargs, body]: readonly [
    string,
    string,
    [string, unknown?, boolean?],
    Options,
    string?,
  ]) {
    const { handler } = makeHandler({ uri, method: body == null ? "GET" : "POST", body: body ?? undefined });
    const [name, fallback] = args;
    const options = camel(kwargs);
    if (args.length > 1) options.default = fallback;
    if (args.length > 2) options.strip = args[2];
    return handler[ARGUMENT_METHODS[method]!](name, options as never);
  },

  "web.RequestHandler.set_status"([code, reason]: readonly [number, string?]) {
    const { handler } = makeHandler();
    handler.setStatus(code, reason);
    return [handler.getStatus(), stateOf(handler).reason];
  },

  "web.RequestHandler._convert_header_value": ([value]: readonly HeaderValue[]) => headerText("X", value!),

  "web.RequestHandler.header_ops"([script]: readonly [string, string, HeaderValue?][][]) {
    const { handler } = makeHandler();
    stateOf(handler).headers.clear();
    for (const [operation, name, value] of script!) {
      if (operation === "set_header") handler.setHeader(name, value!);
      else if (operation === "add_header") handler.addHeader(name, value!);
      else handler.clearHeader(name);
    }
    return stateOf(handler).headers;
  },

  "web.RequestHandler.check_etag_header"([etag, ifNoneMatch]: readonly string[]) {
    const { handler } = makeHandler({ headers: { "If-None-Match": ifNoneMatch! } });
    if (etag != null) handler.setHeader("Etag", etag);
    return handler.checkEtagHeader();
  },

  "web.RequestHandler.compute_etag"([chunks]: readonly string[][]) {
    const { handler } = makeHandler();
    for (const chunk of chunks!) handler.write(chunk);
    return handler.computeEtag();
  },

  "web.RequestHandler.write"([chunks]: readonly string[][]) {
    const { handler } = makeHandler();
    for (const chunk of chunks!) handler.write(chunk);
    return {
      content_type: stateOf(handler).headers.get("Content-Type"),
      body: Buffer.from((stateOf(handler).takeBody() ?? "") as string),
    };
  },

  "web.RequestHandler.redirect"([url]: readonly string[], kwargs) {
    const test = makeHandler();
    test.handler.redirect(url!, camel(kwargs));
    return outcome(test, false);
  },

  "web.RequestHandler.send_error"([code, options]: readonly [number, Options]) {
    const { handler, connection } = makeHandler();
    handler.sendError(code, camel(options));
    return {
      status: connection.status,
      reason: connection.startLine?.reason,
      content_type: connection.header("Content-Type"),
      content_length: connection.header("Content-Length"),
      body: Buffer.from(connection.body),
    };
  },

  "web.StaticFileHandler.get_content_type"([path]: readonly string[]) {
    const { handler } = makeHandler({ handlerClass: StaticFileHandler as never, kwargs: { path: "/" } });
    (handler as StaticFileHandler).absolutePath = path;
    return (handler as StaticFileHandler).getContentType();
  },

  "web.addslash": ([method, uri]: readonly string[]) => decorated(addslash, { method: method!, uri: uri! }),
  "web.removeslash": ([method, uri]: readonly string[]) =>
    decorated(removeslash, { method: method!, uri: uri! }),
  "web.authenticated": ([loginUrl, method, uri, host, user]: readonly string[]) =>
    decorated(authenticated, {
      settings: { login_url: loginUrl },
      method: method!,
      uri: uri!,
      host: host!,
      user,
    }),

  "web.RedirectHandler"([url, permanent, args, kwargs, uri]: readonly [
    string,
    boolean,
    string[],
    Record<string, string>,
    string,
  ]) {
    const test = makeHandler({ handlerClass: RedirectHandler as never, kwargs: { url, permanent }, uri });
    test.handler.pathArgs = args;
    test.handler.pathKwargs = kwargs;
    (test.handler as RedirectHandler).get();
    return outcome(test, false);
  },

  "web.is_absolute": ([path]: readonly string[]) => isAbsolute(path!),

  "web.RequestHandler._decode_xsrf_token"([text]: readonly string[], _kwargs, { file }) {
    const token = decodeXsrfToken(text!, file.more.clock as number);
    return token ?? { version: undefined, token: undefined, timestamp: undefined };
  },

  "web.RequestHandler.xsrf_token"([mask, token]: readonly Buffer[], kwargs) {
    const { cookie, settings, current_user: user } = kwargs as Record<string, string | undefined>;
    const test = makeHandler({ headers: cookieHeader(cookie), settings: settings as unknown as Options });
    test.handler.currentUser = user;
    const shown = xsrfTokenOf(test.handler, (size) => (size === 4 ? mask! : token!));
    return {
      token: Buffer.from(shown),
      form: test.handler.xsrfFormHtml(),
      set_cookie: cookiesOf(test),
    };
  },

  "web.RequestHandler.check_xsrf_cookie"([options]: readonly {
    cookie?: string;
    uri?: string;
    headers?: [string, string][];
    settings?: Options;
  }[]) {
    const { cookie, uri, headers, settings } = options!;
    const { handler } = makeHandler({
      method: "POST",
      uri: uri ?? "/",
      settings: settings ?? {},
      headers: {
        ...Object.fromEntries(headers ?? []),
        ...(cookie === undefined ? {} : { Cookie: `_xsrf=${cookie}` }),
      },
    });
    try {
      handler.checkXsrfCookie();
      return { ok: true };
    } catch (error) {
      if (!(error instanceof HTTPError)) throw error;
      return { ok: false, status: error.statusCode, log_message: error.getMessage() };
    }
  },

  "web.RequestHandler.static_url"([files, settings, path, options, host, protocol]: readonly [
    Record<string, Buffer>,
    Options,
    string,
    Options,
    string?,
    string?,
  ]) {
    const root = mkdtempSync(join(tmpdir(), "squall-vectors-"));
    const { level } = genLog;
    try {
      genLog.setLevel("critical"); // a missing file is a line in the log
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(root, name)), { recursive: true });
        writeFileSync(join(root, name), content);
      }
      const { handler } = makeHandler({
        settings: { ...settings, static_path: root },
        ...(host == null ? {} : { host }),
        ...(protocol == null ? {} : { protocol }),
      });
      return handler.staticUrl(path, camel(options));
    } finally {
      genLog.setLevel(level);
      rmSync(root, { recursive: true });
    }
  },

  "web.RequestHandler.get_browser_locale"([acceptLanguage, codes]: readonly [string | null, string[]]) {
    const { handler } = makeHandler({ headers: { "Accept-Language": acceptLanguage } });
    const makers = codes.map((code) => [code, () => new Locale(code)] as const);
    locales.replace(new Map(makers));
    try {
      return handler.getBrowserLocale().code;
    } finally {
      locales.replace(new Map());
    }
  },

  "web.RequestHandler.render_linked_js": ([files]: readonly string[][]) =>
    makeHandler().handler.renderLinkedJs(files!),
  "web.RequestHandler.render_embed_js": ([scripts]: readonly Buffer[][]) =>
    Buffer.from(makeHandler().handler.renderEmbedJs(scripts!)),
  "web.RequestHandler.render_linked_css": ([files]: readonly string[][]) =>
    makeHandler().handler.renderLinkedCss(files!),
  "web.RequestHandler.render_embed_css": ([styles]: readonly Buffer[][]) =>
    Buffer.from(makeHandler().handler.renderEmbedCss(styles!)),

  "web.GZipContentEncoding._compressible_type": ([type]: readonly string[]) =>
    GZipContentEncoding.isCompressible(type!),

  async "web.GZipContentEncoding.transform_first_chunk"([
    accepted,
    status,
    headers,
    length,
    finishing,
  ]: readonly [string | null, number, [string, string][], number, boolean]) {
    const { handler } = makeHandler({ headers: { "Accept-Encoding": accepted } });
    const transform = new GZipContentEncoding(handler.request);
    const fields = new HTTPHeaders(headers);
    const [code, sent, body] = await transform.transformFirstChunk(
      status,
      fields,
      Buffer.alloc(length, "x"),
      finishing,
    );
    transform.onEnd();
    return {
      status: code,
      headers: [...sent.getAll()],
      gzipped: body.length > 1 && body.readUInt16BE(0) === 0x1f8b,
    };
  },

  "web.HTTPError"([args, kwargs]: readonly [[number, string], Options]) {
    const error = new HTTPError(...args, ...(Object.keys(kwargs).length > 0 ? [kwargs] : []));
    return { ...httpError(error), reason: error.reason, get_message: error.getMessage() };
  },

  "web.MissingArgumentError"([name]: readonly string[]) {
    const error = new MissingArgumentError(name!);
    return { ...httpError(error), log_message: error.getMessage(), arg_name: error.argName };
  },
};

export const family: Family = {
  functions: Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, atTime(run)])),
};
