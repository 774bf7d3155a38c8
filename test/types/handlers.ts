/**
 * What the compiler says about handlers: what verbs may return and write() takes, the type of the current user, settings of
 * the application's own, and routes in a list. Compiled, never run.
 */
import { type ApplicationSettings, RequestHandler, routes } from "squall/web";

declare module "squall/web" {
  interface ApplicationSettings {
    /** The application's own. */
    pageSize?: number;
  }
}

interface User {
  readonly name: string;
}

class Story extends RequestHandler {
  override getCurrentUser(): User | undefined {
    return undefined;
  }
  override get({ id }: { id: string }) {
    const user: User | undefined = this.currentUser;
    this.write(id);
    // @ts-expect-error the type is that of getCurrentUser()
    const wrong: string = this.currentUser;
    this.write(`${user?.name} ${wrong}`);
  }
}

class Returns extends RequestHandler {
  // @ts-expect-error what is returned is sent nowhere
  override get() {
    return "text";
  }
  // @ts-expect-error nor is what a promise gives
  override async post() {
    return { a: 1 };
  }
  override async put() {
    await this.flush();
  }
  override *patch() {
    yield Promise.resolve(1);
  }
  override delete() {
    return this.finish();
  }
  override head() {
    if (this.request.body.length > 0) return;
    this.redirect("/");
  }
}

interface Row {
  readonly id: number;
}

class Writes extends RequestHandler {
  row: Row = { id: 1 };
  override get() {
    this.write("text");
    this.write(Buffer.from("bytes"));
    this.write(new DataView(new ArrayBuffer(1)));
    this.write(new ArrayBuffer(1));
    this.write({ a: [1, 2], b: { c: null } });
    this.write(this.row);
    // @ts-expect-error a list is no object
    this.write([1]);
    // @ts-expect-error a map has no JSON
    this.write(new Map());
    // @ts-expect-error a set has no JSON
    this.write(new Set());
    // @ts-expect-error a promise is not awaited
    this.write(Promise.resolve("text"));
    // @ts-expect-error a stream is written piece by piece
    this.write(new ReadableStream());
    // @ts-expect-error a number is no text
    this.write(5);
  }
}

class Settings extends RequestHandler {
  override get() {
    const size: number | undefined = this.settings.pageSize;
    // @ts-expect-error it is a number
    const wrong: string | undefined = this.settings.pageSize;
    this.write(`${size} ${wrong}`);
  }
}
export const settings: ApplicationSettings = { pageSize: 5, debug: true };
// @ts-expect-error it is a number
export const misfit: ApplicationSettings = { pageSize: "5" };

routes([
  ["/story/:id", Story],
  ["/story/:id", Story, { database: 1 }, "story"],
  ["/", Returns],
  [/\/writes/, Writes],
  ["/settings", Settings],
]);
routes([
  // @ts-expect-error the template has no parameter "id"
  ["/story/:name", Story],
]);
