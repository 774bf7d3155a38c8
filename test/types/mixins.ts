/**
 * Mixins over handlers can be exported by packages that make declaration files (this one does): what the types of
 * handlers name can be imported. Compiling this file is the test.
 */
import { RequestHandler, StaticFileHandler } from "squall/web";

// biome-ignore lint/suspicious/noExplicitAny: the compiler asks for this very signature of mixins
type HandlerClass = new (...args: any[]) => RequestHandler;

export function Audited<Base extends HandlerClass>(base: Base) {
  return class extends base {
    audited(): boolean {
      return true;
    }
  };
}

export class Mine extends Audited(RequestHandler) {}

export class Files extends Audited(StaticFileHandler) {
  override getContentType(): string {
    return this.audited() ? "text/plain" : super.getContentType();
  }
}
