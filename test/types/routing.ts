/** What the compiler must accept and refuse of routes. It is compiled, never run. */
import { HostMatches, type PathParams, type RuleRouter } from "squall/routing";
import { Application, RequestHandler, type Routes, url } from "squall/web";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const equal = <T extends true>(): T | undefined => undefined;

equal<Equal<PathParams<"/story/:id">, { id: string }>>();
equal<Equal<PathParams<"/:a/x/:b/:rest*">, { a: string; b: string; rest: string }>>();
equal<Equal<PathParams<"/story/:id.json">, { id: string }>>();
equal<Equal<PathParams<"/:from-:to">, { from: string; to: string }>>();
equal<Equal<PathParams<"/:from..:to/x">, { from: string; to: string }>>();
equal<Equal<PathParams<"/:y-:m-:d.tar.gz/:rest*">, { y: string; m: string; d: string; rest: string }>>();
equal<Equal<PathParams<"/@/:lat,:lng">, { lat: string; lng: string }>>();
// Nothing is known of the groups of an expression, or of a pattern that is only known at run time.
equal<Equal<PathParams<"/story/([0-9]+)">, Record<string, string | undefined>>>();
equal<Equal<PathParams<string>, Record<string, string | undefined>>>();
equal<Equal<PathParams<"/time/(?:a)">, Record<string, string | undefined>>>();

class Story extends RequestHandler {
  override get({ id }: PathParams<"/story/:id">) {
    this.write(id);
  }
  override async post(params: { id: string }) {
    this.write(params.id);
  }
}

class Nothing extends RequestHandler {
  override get() {}
}

class Positional extends RequestHandler {
  override get(id: string, page?: string) {
    this.write(id + page);
  }
}

url("/story/:id", Story);
url("/story/:id", Story, { kwargs: 1 }, "story");
url("/story/:id/:more", Story);
url("/story/:id", Nothing);
url("/story/:id", RequestHandler);
url("/story/([0-9]+)", Positional);
url("/story/([0-9]+)", Story);
url(/\/story\/(\d+)/, Positional);
url("/story/:id" as string, Positional);

// @ts-expect-error get() wants text, the template gives one object
url("/story/:id", Positional);
// @ts-expect-error the template has no parameter "id"
url("/story/:name", Story);

// @ts-expect-error the template has the parameters "from" and "to"
url("/:from-:to", Story);
url("/story/:id.json", Story);

class Half extends RequestHandler {
  override get(_params: { id: string }) {}
  override delete(_params: { other: string }) {}
}
// @ts-expect-error delete() cannot take the parameters
url("/story/:id", Half);

class Sync extends RequestHandler {
  override prepare() {
    const one: string = this.getArgument("a");
    const two: string | null = this.getArgument("a", null);
    const three: string = this.getArgument("a", "default");
    const four: string | number = this.getArgument("a", { default: 5 });
    const five: string = this.getArgument("a", { strip: false });
    // @ts-expect-error there may be null
    const six: string = this.getArgument("a", null);
    this.write([one, two, three, four, five, six].join());
  }
}
url("/", Sync);

// A plain list is checked as url() is.
const app: Application = new Application([
  ["/", Nothing],
  ["/story/:id", Story, { database: "stories" }, "story"],
  ["/:from-:to", Nothing, null, null],
  ["/story/([0-9]+)", Positional],
  [/\/story\/(\d+)/, Positional],
  url("/other/:id", Story),
  [new HostMatches("example.com"), [["/story/:id", Story]]],
]);
// @ts-expect-error get() wants text, the template gives one object
new Application([["/story/:id", Positional]]);
new Application([
  ["/", Nothing],
  // @ts-expect-error the template has no parameter "id"
  ["/story/:name", Story],
]);
class NoHandler {
  get() {}
}
// @ts-expect-error a handler is a class
new Application([["/", () => "x"]]);
new Application([
  ["/", Nothing],
  // @ts-expect-error a handler is a class, also beside others
  ["/x", async () => {}],
  ["/y", Nothing],
]);
// @ts-expect-error a handler extends RequestHandler
new Application([["/", NoHandler]]);
// @ts-expect-error an object with methods is no handler
new Application([["/", { get() {} }]]);
// @ts-expect-error an instance is no handler
new Application([["/", new NoHandler()]]);
// @ts-expect-error the name of a handler is no handler
new Application([["/", "Nothing"]]);
// @ts-expect-error a handler is a class
url("/", () => "x");
// @ts-expect-error a handler extends RequestHandler
url("/", NoHandler);
abstract class Base extends RequestHandler {}
declare const router: RuleRouter;
declare const anything: unknown;
declare const loose: object;
new Application([
  ["/", Base],
  ["/r", router],
  ["/a", new Application()],
  ["/u", anything],
  ["/o", loose],
]);
new Application([["/story/:id", Story]], { debug: true });
new Application(null, {});
new Application();
new Application(new Set([["/story/:id", Story] as const]));
// Parts of a list may depend on a condition.
declare const debug: boolean;
new Application([["/", Nothing], ...(debug ? [] : ([["/story/:id", Story]] as const)), ["/x", Nothing]]);
new Application([["/", Nothing], ...(debug ? [["/story/:id", Story] as const] : [])]);
new Application([["/", Nothing], ...(debug ? [url("/story/:id", Story)] : []), ["/x", Nothing]]);
new Application([["/", Nothing], debug ? ["/a/:id", Story] : ["/b", Nothing]]);
new Application([["/", Nothing], ...["/a", "/b"].map((path): [string, typeof Nothing] => [path, Nothing])]);
// @ts-expect-error one of them does not fit
new Application([["/", Nothing], ...(debug ? [] : ([["/story/:id", Positional]] as const)), ["/x", Nothing]]);
// What is only known at run time is looked at when the application is made.
declare const handlers: Routes;
new Application(handlers);
new Application([...handlers, ["/", Nothing]]);
const mixed: (typeof Story | typeof Nothing)[] = [];
new Application(mixed.map((handler) => ["/story/:id", handler] as const));
// The type of an application does not show its routes.
equal<Equal<typeof app, Application>>();
const inferred = new Application([["/story/:id", Story]]);
equal<Equal<typeof inferred, Application>>();

class Own extends Application {
  constructor() {
    super([["/story/:id", Story]], { debug: true });
  }
}
const own: Application = new Own();
own.reverseUrl("story", 1);
