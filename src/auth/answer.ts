/** What a browser brings back from a provider, and the address that it is sent back to. */
import { InvalidArgumentError, InvalidStateError } from "../base/errors.js";
import type { RequestHandler } from "../web/handler/request-handler.js";
import { AuthError } from "./errors.js";

type Answered = Pick<RequestHandler, "request">;

/**
 * The value of a query argument of the answer; `undefined` if it is absent.
 * @throws AuthError (`ERR_SQUALL_AUTH_RESPONSE`) if it is there more than once, which no provider may do
 *   (RFC 6749 §3.1).
 */
export function answerArgument(handler: Answered, name: string): string | undefined {
  const values = handler.request.queryArguments[name];
  if (values === undefined) return undefined;
  if (values.length === 1) return (values[0] as Buffer).toString("utf8");
  throw new AuthError("ERR_SQUALL_AUTH_RESPONSE", `the argument ${name} is there more than once`);
}

/** As {@link answerArgument}, for one that must be there. */
export function requiredArgument(handler: Answered, name: string): string {
  const value = answerArgument(handler, name);
  if (value !== undefined && value !== "") return value;
  throw new AuthError("ERR_SQUALL_AUTH_RESPONSE", `the argument ${name} is missing`);
}

/**
 * The absolute address for the way back. A path is resolved against the setting `publicOrigin`, never
 * against the Host field, which a client may choose; undefined means the path of this request.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an address that is neither an http URL
 *   nor a path.
 * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) for a path if the application has no
 *   `publicOrigin`.
 */
export function callbackUrl(
  handler: Pick<RequestHandler, "request" | "settings">,
  name: string,
  uri: string | undefined,
): string {
  const wanted = uri ?? handler.request.path;
  if (/^https?:\/\//i.test(wanted) && URL.canParse(wanted)) return wanted;
  if (!wanted.startsWith("/") || /^\/[/\\]/.test(wanted)) {
    throw new InvalidArgumentError(
      `${name} must be an absolute URL or a path, got ${JSON.stringify(wanted)}`,
    );
  }
  const { publicOrigin } = handler.settings;
  if (typeof publicOrigin !== "string" || !/^https?:\/\//i.test(publicOrigin)) {
    throw new InvalidStateError(
      `the path ${JSON.stringify(wanted)} for ${name} needs the setting 'publicOrigin', such as https://www.example.com`,
    );
  }
  return new URL(wanted, publicOrigin).href;
}
