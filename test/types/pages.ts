/** Types of pages: what a UI module knows of its handler, and what settings take. Compiled, never run. */
import type { Locale } from "squall/locale";
import { DictLoader } from "squall/template";
import {
  Application,
  type EventStream,
  type Handler,
  RequestHandler,
  type ServerSentEvent,
  TemplateModule,
  UIModule,
} from "squall/web";

class Base extends RequestHandler {
  readonly shop = "Tea";
  override getCurrentUser(): { readonly name: string } | undefined {
    return undefined;
  }
  override getUserLocale(): Locale | undefined {
    return undefined;
  }
}

export class Plain extends UIModule {
  override render(title: string, options?: { readonly large?: boolean }): string {
    const handler: Handler = this.handler;
    return handler.staticUrl(title) + options?.large + this.locale.code;
  }
  override cssFiles() {
    return ["a.css"] as const;
  }
}

export class Knowing extends UIModule<Base> {
  override async render(): Promise<string> {
    const user: { readonly name: string } | undefined = this.currentUser;
    return this.handler.shop + user?.name;
  }
  // @ts-expect-error styles are text
  override embeddedCss(): number {
    return 1;
  }
}

export const app: Application = new Application([["/", Base]], {
  uiModules: { Plain, Knowing, TemplateModule },
  uiMethods: [{ money: (handler: Base, cents: number) => handler.shop + cents }],
  templateLoader: new DictLoader({}),
  templateWhitespace: "oneline",
  autoescape: null,
});

// @ts-expect-error a mode that is not one
new Application([], { templateWhitespace: "some" });
// @ts-expect-error a loader is not a folder
new Application([], { templateLoader: "templates" });

export class Pages extends Base {
  override async get() {
    const text: string = this.renderString("a.html", { x: 1 });
    const sent: Promise<void> = this.renderAsync("a.html");
    await sent;
    this.locale = this.getBrowserLocale();
    // @ts-expect-error names are an object
    this.render("a.html", 5);
    this.write(text);
  }
}

async function* source(): AsyncGenerator<ServerSentEvent> {
  yield { data: { a: 1 }, event: "x", id: 1 };
}

export class Live extends RequestHandler {
  override async get() {
    await this.sendEvents(source(), { retry: 1000 });
    await this.sendEvents(["a", { data: 1 }]);
    await using stream: EventStream = this.openEventStream({ slowConsumer: "drop-oldest" });
    // @ts-expect-error events have no name
    await stream.send({ name: "x" });
    // @ts-expect-error a policy that is not one
    this.openEventStream({ slowConsumer: "wait" });
  }
}
