/** The application that the vectors of `wire-web` talk to, as the README of the vectors describes it. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DictLoader } from "squall/template";
import {
  Application,
  addslash,
  authenticated,
  Finish,
  HTTPError,
  RedirectHandler,
  RequestHandler,
  removeslash,
  StaticFileHandler,
  UIModule,
  url,
} from "squall/web";
import { esc } from "./wire.js";

/** The files of the static folder. */
export const FILES: Readonly<Record<string, string | Buffer>> = {
  "hello.txt": "Hello, static world!\n",
  "empty.txt": "",
  "page.html": "<p>static</p>\n",
  "style.css": "body { color: red }\n",
  "data.json": '{"a": 1}\n',
  "pic.svg": "<svg/>\n",
  "archive.tar.gz": Buffer.from(Array.from({ length: 64 }, (_, octet) => octet)),
  noext: "no extension\n",
  "odd.unknownext": "odd\n",
  "sp ace.txt": "space\n",
  "sub/index.html": "sub index\n",
  "sub/file.css": "a {}\n",
  "robots.txt": "User-agent: *\n",
  "favicon.ico": Buffer.from([0, 0, 1, 0]),
  "big.txt": "0123456789abcdef".repeat(128),
};

/** Writes the files into a folder of their own; call what is returned to remove it. */
export function makeFiles(): { readonly root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), "squall-wire-web-"));
  const time = new Date(1_600_000_000_000);
  for (const [name, content] of Object.entries(FILES)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, time, time);
  }
  return { root, remove: () => rmSync(root, { recursive: true }) };
}

/** Users are known by a cookie. */
class Base extends RequestHandler {
  override getCurrentUser() {
    return this.getCookie("user");
  }
  get reason(): string | undefined {
    return this.getArgument("reason", null) ?? undefined;
  }
}

class Index extends Base {
  override get() {
    this.write("index");
  }
  override post() {
    this.write("posted");
  }
}

class Arg extends Base {
  override get(kind: string) {
    const joined = (values: string[]) => values.map(esc).join("|");
    switch (kind) {
      case "required":
        return this.write(this.getArgument("a"));
      case "default":
        return this.write(this.getArgument("a", "dflt"));
      case "none":
        return this.write(this.getArgument("a", null) === null ? "True" : "False");
      case "list":
        return this.write(joined(this.getArguments("a")));
      case "nostrip":
        return this.write(joined(this.getArguments("a", { strip: false })));
      case "body":
        return this.write(joined(this.getBodyArguments("a")));
      case "query":
        return this.write(joined(this.getQueryArguments("a")));
    }
  }
  override post(kind: string) {
    this.get(kind);
  }
  override put(kind: string) {
    this.get(kind);
  }
}

class Path extends Base {
  override get(...groups: (string | undefined)[]) {
    this.write(groups.map((group) => (group === undefined ? "~" : esc(group))).join("|"));
  }
}

class Named extends Base {
  override get(groups: Record<string, string>) {
    const shown = Object.keys(groups).map((name) => `${name}=${esc(groups[name]!)}`);
    this.write(shown.join("|"));
  }
}

class Text extends Base {
  override get() {
    this.write("\u00e9\u2603");
    this.write(Buffer.from([0xff]));
  }
}

class Json extends Base {
  override get(kind: string) {
    if (kind === "dict") this.write({ a: 1, b: ["</x>", null, true], "\u00e9": "\u2603" });
    else if (kind === "list") this.write([1] as never);
    else if (kind === "number") this.write(5 as never);
    else {
      this.write({ a: 1 });
      this.setHeader("Content-Type", "application/vnd.api+json");
    }
  }
}

class Cookies extends Base {
  override get(kind: string) {
    switch (kind) {
      case "set":
        this.setCookie("a", "b");
        this.setCookie("q", 'x"y;z');
        break;
      case "attrs":
        this.setCookie("a", "b", {
          domain: "example.com",
          path: "/x",
          httponly: true,
          secure: true,
          samesite: "Lax",
          maxAge: 60,
        });
        this.setCookie("e", "f", { expires: 1_234_567_890 });
        break;
      case "clear":
        this.clearCookie("a");
        this.clearCookie("b", { path: "/x", domain: "example.com" });
        break;
      case "clear_all":
        this.clearAllCookies();
        break;
      case "overwrite":
        this.setCookie("a", "1", { secure: true });
        this.setCookie("b", "2");
        this.setCookie("a", "3");
        break;
      case "bad":
        this.setCookie("a", "b\n");
        break;
      case "badname":
        this.setCookie("a b", "c");
        break;
      case "then_error":
        this.setCookie("a", "b");
        throw new HTTPError(403);
      case "get":
        this.write(esc(this.getCookie("a") ?? "none"));
        return;
      case "signed":
        this.write(esc(this.getSignedCookie("s", { maxAgeDays: 36_500 }) ?? "none"));
        return;
    }
    this.write("ok");
  }
}

class Redirect extends Base {
  override async get(kind: string) {
    if (kind === "written") this.write("discarded? ");
    if (kind === "flushed") {
      this.write("x");
      await this.flush();
    }
    if (kind === "perm") this.redirect("/target", { permanent: true });
    else if (kind === "303") this.redirect("/target", { status: 303 });
    else if (kind === "bad") this.redirect("/target", { status: 200 });
    else if (kind === "to") this.redirect(this.getArgument("to"));
    else this.redirect("/target");
  }
  override post(kind: string) {
    return this.get(kind);
  }
}

class Add extends Base {
  @addslash
  override get() {
    this.write("slash");
  }
  @addslash
  override head() {
    this.write("slash");
  }
  @addslash
  override post() {
    this.write("slash");
  }
}

class Remove extends Base {
  @removeslash
  override get() {
    this.write("no slash");
  }
  @removeslash
  override head() {
    this.write("no slash");
  }
  @removeslash
  override post() {
    this.write("no slash");
  }
}

class Failing extends Base {
  override get(code: string) {
    throw new HTTPError(Number(code), "logged %s only", "text", { reason: this.reason });
  }
  override post(code: string) {
    this.get(code);
  }
}

class SendError extends Base {
  override get(code: string) {
    this.setHeader("X-Dropped", "1");
    this.write("dropped");
    this.sendError(Number(code), { reason: this.reason });
  }
}

class CustomError extends Base {
  override writeError(
    status: number,
    { error, extra }: { readonly error?: unknown; readonly extra?: unknown },
  ) {
    this.setHeader("X-Custom", "yes");
    const names: Record<string, string> = { Error: "RuntimeError" };
    const name = error instanceof Error ? ` ${names[error.name] ?? error.name}` : "";
    const reason = {
      400: "Bad Request",
      418: "Teapot",
      500: "Internal Server Error",
      503: "Service Unavailable",
    }[status];
    this.finish(`custom ${status} ${reason}${name}${extra === undefined ? "" : ` ${extra}`}`);
  }
  override get(kind: string) {
    if (kind === "http") throw new HTTPError(418, { reason: "Teapot" });
    if (kind === "exception") throw new Error("failed");
    if (kind === "missing") this.getArgument("missing");
    this.sendError(503, { extra: "more" });
  }
}

class BrokenError extends Base {
  override get() {
    throw new HTTPError(400);
  }
  override writeError() {
    this.write("half");
    throw new Error("broken");
  }
}

class Exception extends Base {
  override get() {
    this.write("discarded");
    throw new Error("failed");
  }
}

class Finishing extends Base {
  override get(kind: string) {
    switch (kind) {
      case "plain":
        this.write("written");
        throw new Finish();
      case "arg":
        this.write("written ");
        throw new Finish("and finished");
      case "status":
        this.setStatus(401);
        this.setHeader("WWW-Authenticate", 'Basic realm="r"');
        throw new Finish();
      case "dict":
        throw new Finish({ a: 1 });
      case "twice":
        this.finish("once");
        this.finish("twice");
        return;
      case "write_after":
        this.finish("done");
        this.write("more");
    }
  }
}

class Headers extends Base {
  override get(kind: string) {
    switch (kind) {
      case "set":
        this.setHeader("x-one", "1");
        this.setHeader("X-ONE", "2");
        this.setHeader("X-Int", 5);
        this.addHeader("X-Many", "a");
        this.addHeader("x-many", "b");
        break;
      case "clear":
        this.setHeader("X-One", "1");
        for (const name of ["x-one", "Content-Type", "Server", "X-Never-Set"]) this.clearHeader(name);
        break;
      case "clear_added":
        this.addHeader("X-Many", "a");
        this.addHeader("X-Many", "b");
        this.clearHeader("X-Many");
        break;
      case "newline":
        this.setHeader("X-Bad", "a\r\nX-Injected: yes");
        break;
      case "name":
        this.setHeader("X Bad", "a");
        break;
      case "type":
        this.setHeader("X-Float", 1.5);
        break;
      case "date":
        this.setHeader("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
        break;
      case "ctype":
        this.setHeader("Content-Type", "text/plain");
        break;
    }
    this.write("ok");
  }
}

class Status extends Base {
  override get(code: string) {
    this.setStatus(Number(code), this.getArgument("reason", null));
    const body = this.getArgument("body", "");
    if (body !== "") this.write(body);
  }
  override head(code: string) {
    this.get(code);
  }
}

class Tagged extends Base {
  override computeEtag() {
    const { path } = this.request;
    if (path.endsWith("/custom")) return '"custom"';
    if (path.endsWith("/weak")) return 'W/"weak"';
    if (path.endsWith("/none")) return undefined;
    return super.computeEtag();
  }
  override get(kind: string) {
    if (kind === "set") this.setHeader("Etag", '"mine"');
    this.write("etag body");
  }
  override head(kind: string) {
    this.get(kind);
  }
  override post(kind: string) {
    this.get(kind);
  }
}

class Flush extends Base {
  override async get(kind: string) {
    const pieces = async (...texts: string[]) => {
      for (const text of texts) {
        this.write(text);
        await this.flush();
      }
    };
    switch (kind) {
      case "three":
        return pieces("one", "two", "three");
      case "empty":
        await this.flush();
        return this.write("later");
      case "end":
        return pieces("body");
      case "length":
        this.setHeader("Content-Length", 6);
        await pieces("abc");
        return this.write("def");
      case "cookie":
        this.setCookie("a", "b");
        await pieces("x");
        return this.setCookie("late", "ignored");
      case "error":
        await pieces("x");
        throw new HTTPError(404);
    }
  }
  override head(kind: string) {
    return this.get(kind);
  }
}

class Gzip extends Base {
  override async get() {
    const size = Number(this.getArgument("n", "2000"));
    this.setHeader("Content-Type", this.getArgument("type", "text/plain"));
    const coding = this.getArgument("ce", null);
    if (coding !== null) this.setHeader("Content-Encoding", coding);
    const vary = this.getArgument("vary", null);
    if (vary !== null) this.setHeader("Vary", vary);
    if (this.getArgument("cl", null) !== null) this.setHeader("Content-Length", size);
    this.setStatus(Number(this.getArgument("code", "200")));
    this.write("x".repeat(size));
    if (this.getArgument("flush", null) === null) return;
    await this.flush();
    this.write("y".repeat(10));
  }
  override head() {
    return this.get();
  }
}

class Auth extends Base {
  @authenticated
  override get() {
    this.write(`user ${esc(this.currentUser ?? "")}`);
  }
  @authenticated
  override head() {
    this.write("");
  }
  @authenticated
  override post() {
    this.write(`user ${esc(this.currentUser ?? "")}`);
  }
}

class AuthAbsolute extends Auth {
  override getLoginUrl() {
    return "http://login.example.com/in";
  }
}

class Xsrf extends Base {
  override get() {
    void this.xsrfToken;
    this.write("token made");
  }
  override post() {
    this.write("posted");
  }
  override put = this.post;
  override delete = this.post;
}

class Prepare extends Base {
  override prepare() {
    const stop = this.getArgument("stop", "");
    if (stop === "finish") this.finish("from prepare");
    if (stop === "error") throw new HTTPError(403);
  }
  override async get() {
    await null;
    this.write("get after prepared");
  }
  override post() {
    return this.get();
  }
}

class Init extends Base {
  #value = "";
  override initialize({ value }: { readonly value?: string }) {
    this.#value = value ?? "";
  }
  override get() {
    this.write(this.#value);
  }
}

class Defaults extends Base {
  override setDefaultHeaders() {
    this.setHeader("X-Default", "d");
    this.clearHeader("Server");
  }
  override get() {
    if (this.getArgument("fail", null) !== null) throw new HTTPError(404);
    this.write("ok");
  }
}

class OnlyPost extends Base {
  override post() {
    this.write("posted");
  }
}

class Options extends Base {
  static override readonly SUPPORTED_METHODS = [...RequestHandler.SUPPORTED_METHODS, "PROPFIND"];
  override get() {
    this.write("");
  }
  override options() {
    this.setStatus(204);
    this.setHeader("Allow", "GET, OPTIONS");
  }
  propfind() {
    this.write("found");
  }
}

class Urls extends Base {
  override get() {
    const lines = [
      this.reverseUrl("named", "a b", "c/d"),
      this.staticUrl("hello.txt"),
      this.staticUrl("hello.txt", { includeVersion: false }),
      this.staticUrl("hello.txt", { includeHost: true }),
      this.staticUrl("missing.txt"),
    ];
    this.write(lines.join("\n"));
  }
}

class Upload extends Base {
  override post() {
    const lines: string[] = [];
    for (const [name, files] of Object.entries(this.request.files)) {
      for (const file of files) {
        lines.push(`file ${esc(name)} ${esc(file.filename)} ${esc(file.contentType)} ${esc(file.body)}`);
      }
    }
    for (const [name, values] of Object.entries(this.request.bodyArguments)) {
      lines.push(`arg ${esc(name)} ${values.map(esc).join("|")}`);
    }
    this.write(lines.join("\n"));
  }
}

const TEMPLATES = {
  "page.html": "<p>{{ x }}</p>\n\n  {% raw x %}\n",
  "modules.html":
    "<html><head><title>t</title></head><body>{% module Entry(x) %}{% module Entry('two') %}</body></html>",
  "plain.txt": "{{ x }}  two  spaces\n",
  "form.html": "<form>{% module xsrf_form_html() %}</form>",
};

class Entry extends UIModule {
  override render(x: string) {
    return `<b>${esc(x)}</b>`;
  }
  override embeddedJavascript() {
    return "js_embed();";
  }
  override javascriptFiles() {
    return ["/j.js", "hello.txt"];
  }
  override embeddedCss() {
    return ".a {}";
  }
  override cssFiles() {
    return "/c.css";
  }
  override htmlHead() {
    return "<meta>";
  }
  override htmlBody() {
    return "<div></div>";
  }
}

class Render extends Base {
  override get(name: string) {
    this.render(name, { x: this.getArgument("x", "<default>") });
  }
}

/** The handler of requests that no route takes, where a case asks for one. */
class NoSuchPage extends Base {
  override prepare() {
    this.setStatus(404);
    this.finish(`no such page: ${esc(this.request.path)}`);
  }
}

/** The application of one case. */
export function wireWebApplication(root: string, given: Readonly<Record<string, unknown>>): Application {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === "default_handler") settings.defaultHandlerClass = NoSuchPage;
    else settings[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  return new Application(
    [
      ["/", Index],
      ["/arg/(\\w+)", Arg],
      ["/path/([^/]*)/(.*)", Path],
      ["/opt(?:/([^/]*))?", Path],
      url("/named/(?<first>[^/]*)/(?<second>.*)", Named, null, "named"),
      ["/text", Text],
      ["/json/(\\w+)", Json],
      ["/cookies/(\\w+)", Cookies],
      ["/redirect/(\\w+)", Redirect],
      ["/old/(.*)", RedirectHandler, { url: "/new/{0}" }],
      ["/old_temp", RedirectHandler, { url: "/new?x=1", permanent: false }],
      ["/add/?", Add],
      ["/remove/*", Remove],
      ["/error/(\\d+)", Failing],
      ["/send_error/(\\d+)", SendError],
      ["/custom_error/(\\w+)", CustomError],
      ["/broken_error", BrokenError],
      ["/exception", Exception],
      ["/finish/(\\w+)", Finishing],
      ["/headers/(\\w+)", Headers],
      ["/status/(\\d+)", Status],
      ["/etag/(\\w+)", Tagged],
      ["/flush/(\\w+)", Flush],
      ["/gzip", Gzip],
      ["/auth", Auth],
      ["/auth_abs", AuthAbsolute],
      ["/xsrf", Xsrf],
      ["/prepare", Prepare],
      ["/init", Init, { value: "from initialize" }],
      ["/defaults", Defaults],
      ["/only_post", OnlyPost],
      ["/options", Options],
      ["/render/(.*)", Render],
      ["/urls", Urls],
      ["/upload", Upload],
      ["/dir/(.*)", StaticFileHandler, { path: root, defaultFilename: "index.html" }],
    ],
    {
      cookieSecret: "vector-secret",
      loginUrl: "/login",
      staticPath: root,
      templateLoader: new DictLoader(TEMPLATES),
      uiModules: { Entry },
      ...settings,
    },
  );
}
