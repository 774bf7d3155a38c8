/**
 * Mixins are functions over classes of handlers: `class Login extends GoogleOAuth2Mixin(RequestHandler)`.
 * Each has an interface of the same name, which says what the class gets.
 */
import type { HTTPServerRequest } from "../http/request.js";
import type { RequestHandler } from "../web/handler/request-handler.js";
import type { App } from "../web/types.js";

/** A class of handlers. */
export type HandlerConstructor = new (application: App, request: HTTPServerRequest) => RequestHandler;

/** The class `Base` whose handlers also have `Members`. */
export type Mixed<Base, Members> = Base & MixinConstructor<Members>;

/** The constructor by whose very signature TypeScript recognises a mixin (TS2545). */
// biome-ignore lint/suspicious/noExplicitAny: no other type is allowed there
export type MixinConstructor<Members> = new (...args: any[]) => Members;
