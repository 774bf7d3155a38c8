/**
 * One sign-in for four worlds: the signed cookie that squall's handlers set, read by the two applications of JavaScript. The
 * Python application reads the same cookie with `squall_wsgi.signed_cookie` (logbook/logbook.py).
 */
import type { RequestHandler as Middleware } from "express";
import { createMiddleware } from "hono/factory";
import { parseCookie } from "squall/httputil";
import { decodeSignedValue } from "squall/web";

/** The name of the cookie. */
export const USER_COOKIE = "user";
/** How long a sign-in lasts, in all four. */
export const DAYS_SIGNED_IN = 14;

/** What the middleware adds: the name of whoever is signed in, "" for a guest. */
export interface SignedIn {
  readonly user: string;
}

/** The name in the Cookie field of a request; "" without a cookie of ours. */
export function userOf(cookieField: string | undefined, secret: string): string {
  const value = parseCookie(cookieField ?? "")[USER_COOKIE];
  return decodeSignedValue(secret, USER_COOKIE, value, { maxAgeDays: DAYS_SIGNED_IN })?.toString() ?? "";
}

/** For Express: `response.locals.user`. */
export function expressSignIn(secret: string): Middleware {
  return (request, response, next) => {
    response.locals.user = userOf(request.headers.cookie, secret);
    next();
  };
}

/** For Hono: `context.get("user")`. */
export function honoSignIn(secret: string) {
  return createMiddleware<{ Variables: SignedIn }>(async (context, next) => {
    context.set("user", userOf(context.req.header("Cookie"), secret));
    await next();
  });
}
