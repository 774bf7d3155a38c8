/**
 * Redirects, and the check that a target taken from a request stays on this site.
 */
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import type { Handler } from "../types.js";
import { stateOf } from "./handler-state.js";
import { headerText } from "./header-value.js";
import { checkUnfinished } from "./output.js";

/** Options of `redirect`. */
export interface RedirectOptions {
  /** 301 instead of 302; default false. */
  readonly permanent?: boolean | undefined;
  /** The status itself, 300 to 399; beats `permanent`. Default 302. */
  readonly status?: number | undefined;
}

/**
 * Text as it may stand in a `Location`: spaces and characters outside ASCII are percent-encoded (RFC 3986
 * §2.1).
 */
export function locationText(url: string | Uint8Array): string {
  const octets = typeof url === "string" ? Buffer.from(url, "utf8") : Buffer.from(url);
  return octets
    .toString("latin1")
    .replace(/[ \x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** `handler.redirect()`. */
export function redirectTo(
  handler: Handler,
  url: string | Uint8Array,
  options: RedirectOptions | undefined,
): void {
  const state = stateOf(handler);
  checkUnfinished(handler, "redirect");
  if (state.headersWritten) throw new InvalidStateError("Cannot redirect after headers have been written");
  const status = options?.status ?? (options?.permanent === true ? 301 : 302);
  if (!Number.isInteger(status) || status < 300 || status > 399) {
    throw new InvalidArgumentError(`the status of a redirect must be from 300 to 399, got ${status}`);
  }
  const location = headerText("Location", locationText(url));
  handler.setStatus(status);
  state.headers.set("Location", location);
  state.finishedBy = "redirect()";
  handler.finish();
}

/** True for `/…` and for URLs of http and https: what needs no path put in front. Tornado `is_absolute`. */
export function isAbsolute(path: string): boolean {
  return /^(?:\/|https?:)/.test(path);
}

/**
 * True if `url`, which came from outside, leads to a path of this very site wherever it is followed: it
 * begins with one slash, and holds nothing that browsers drop or turn into a second slash (`//evil`,
 * `/\evil`, tabs, line ends). Ask before `redirect(this.getArgument("next"))`.
 */
export function isLocalUrl(url: string): boolean {
  return /^\/(?![/\\])[^\\\0-\x20\x7f]*$/.test(url);
}
