/**
 * Header fields that say what browsers may do with a response: the settings `securityHeaders` and `cors`.
 *
 * Both are off until asked for, and hold for every response of the application's handlers, error pages
 * included. A handler may set any of these fields to something else.
 *
 * Cross-origin requests follow the Fetch standard (§3.2, CORS protocol): a preflight (OPTIONS with `Origin`
 * and `Access-Control-Request-Method`) is answered before the handler's own methods run; the answer depends
 * on `Origin`, so caches are told by `Vary`.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkInteger } from "../../base/validate.js";
import { isFieldValue } from "../../protocol/fields/abnf.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { ApplicationSettings, CorsOptions, Handler, SecurityHeaders } from "../types.js";
import { stateOf } from "./handler-state.js";
import { addToVary } from "./header-value.js";
import { allowedMethods } from "./methods.js";

/** What `securityHeaders: true` sends; each can be changed or switched off by name. */
const DEFAULTS: Required<Omit<SecurityHeaders, "strictTransportSecurity" | "permissionsPolicy">> = {
  contentTypeOptions: "nosniff",
  contentSecurityPolicy: "base-uri 'self'; frame-ancestors 'self'; object-src 'none'",
  frameOptions: "SAMEORIGIN",
  referrerPolicy: "strict-origin-when-cross-origin",
  crossOriginOpenerPolicy: "same-origin",
};

const FIELD_NAMES: Readonly<Record<keyof SecurityHeaders, string>> = {
  contentTypeOptions: "X-Content-Type-Options",
  contentSecurityPolicy: "Content-Security-Policy",
  frameOptions: "X-Frame-Options",
  referrerPolicy: "Referrer-Policy",
  crossOriginOpenerPolicy: "Cross-Origin-Opener-Policy",
  permissionsPolicy: "Permissions-Policy",
  strictTransportSecurity: "Strict-Transport-Security",
};

const CORS_NAMES: ReadonlySet<string> = new Set([
  "origins",
  "methods",
  "allowHeaders",
  "exposeHeaders",
  "credentials",
  "maxAge",
] satisfies readonly (keyof CorsOptions)[]);

/** What the settings of an application come to, worked out once. */
interface Policies {
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Over TLS alone: a plain response must not carry it (RFC 6797 §7.2). */
  readonly strictTransport: string | undefined;
  readonly cors: CorsOptions | undefined;
}

const known = new WeakMap<ApplicationSettings, Policies>();

/**
 * Checks the settings and keeps what they come to.
 * @throws InvalidArgumentError for an unknown name or a value that cannot be sent.
 */
export function resolvePolicies(settings: ApplicationSettings): void {
  const { securityHeaders, cors } = settings;
  const asked = securityHeaders === undefined || securityHeaders === false ? undefined : securityHeaders;
  if (asked === undefined && cors === undefined) return;
  const texts = asked === undefined ? {} : textsOf(asked === true ? {} : asked);
  if (cors !== undefined) checkCors(cors);
  const { strictTransportSecurity: strictTransport, ...others } = texts;
  const fields = Object.entries(others).map(
    ([name, value]) => [FIELD_NAMES[name as keyof SecurityHeaders], value] as const,
  );
  known.set(settings, { fields, strictTransport, cors });
}

function textsOf(asked: SecurityHeaders): Partial<Record<keyof SecurityHeaders, string>> {
  if (typeof asked !== "object" || asked === null) {
    throw new InvalidArgumentError(
      `the setting securityHeaders must be true or an object, got ${inspect(asked)}`,
    );
  }
  checkNames("member of securityHeaders", asked, new Set(Object.keys(FIELD_NAMES)), false);
  const texts: Partial<Record<keyof SecurityHeaders, string>> = {};
  for (const [name, value] of Object.entries({ ...DEFAULTS, ...asked })) {
    if (value === false || value === undefined) continue;
    if (typeof value !== "string" || value === "" || !isFieldValue(value)) {
      throw new InvalidArgumentError(
        `securityHeaders.${name} must be the text of the field, or false for none, got ${inspect(value)}`,
      );
    }
    texts[name as keyof SecurityHeaders] = value;
  }
  return texts;
}

function checkCors(cors: CorsOptions): void {
  if (typeof cors !== "object" || cors === null) {
    throw new InvalidArgumentError(`the setting cors must be an object, got ${inspect(cors)}`);
  }
  checkNames("member of cors", cors, CORS_NAMES, false);
  const { origins, credentials, maxAge } = cors;
  if (origins !== "*" && typeof origins !== "function" && !Array.isArray(origins)) {
    throw new InvalidArgumentError(
      `cors.origins must be "*", a list of origins or a function, got ${inspect(origins)}`,
    );
  }
  if (Array.isArray(origins)) {
    for (const origin of origins) {
      if (typeof origin === "string" && (origin === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/.test(origin)))
        continue;
      throw new InvalidArgumentError(
        `an origin is scheme, host and port, such as "https://example.com", got ${inspect(origin)}`,
      );
    }
  }
  if (credentials === true && origins === "*") {
    throw new InvalidArgumentError(
      'cors.credentials needs origins by name: browsers refuse it together with "*"',
    );
  }
  if (maxAge !== undefined) checkInteger("cors.maxAge", maxAge, { min: 0 });
}

/** The origin that may read the response, as the field has it; undefined if none may. */
function allowedOrigin({ origins, credentials }: CorsOptions, { request }: Handler): string | undefined {
  const origin = request.headers.get("Origin");
  if (origins === "*" && credentials !== true) return "*";
  if (origin === undefined) return undefined;
  const allowed =
    typeof origins === "function" ? origins(origin, request) === true : origins.includes(origin);
  return allowed ? origin : undefined;
}

/** Adds the fields to the defaults of a response. */
export function addPolicies(headers: HTTPHeaders, handler: Handler): void {
  const policies = known.get(handler.application.settings);
  if (policies === undefined) return;
  for (const [name, value] of policies.fields) headers.set(name, value);
  if (policies.strictTransport !== undefined && handler.request.protocol === "https") {
    headers.set(FIELD_NAMES.strictTransportSecurity, policies.strictTransport);
  }
  const { cors } = policies;
  if (cors === undefined) return;
  if (cors.origins !== "*") addToVary(headers, "Origin");
  const origin = allowedOrigin(cors, handler);
  if (origin === undefined) return;
  headers.set("Access-Control-Allow-Origin", origin);
  if (cors.credentials === true) headers.set("Access-Control-Allow-Credentials", "true");
  if (cors.exposeHeaders !== undefined && cors.exposeHeaders.length > 0) {
    headers.set("Access-Control-Expose-Headers", cors.exposeHeaders.join(", "));
  }
}

/**
 * Answers a preflight of the `cors` setting with 204, and returns true; false for every other request. An
 * origin that is not allowed gets no permission, which the browser takes for a refusal.
 */
export function answerPreflight(handler: Handler): boolean {
  const cors = known.get(handler.application.settings)?.cors;
  const { method, headers } = handler.request;
  if (cors === undefined || method !== "OPTIONS" || !headers.has("Origin")) return false;
  if (!headers.has("Access-Control-Request-Method")) return false;
  const response = stateOf(handler).headers;
  handler.setStatus(204);
  if (allowedOrigin(cors, handler) !== undefined) {
    response.set("Access-Control-Allow-Methods", (cors.methods ?? allowedMethods(handler)).join(", "));
    const wanted = headers.get("Access-Control-Request-Headers");
    const allowed = cors.allowHeaders ?? wanted?.split(",", 100).map((name) => name.trim());
    if (allowed !== undefined && allowed.length > 0) {
      response.set("Access-Control-Allow-Headers", allowed.join(", "));
      if (cors.allowHeaders === undefined) addToVary(response, "Access-Control-Request-Headers");
    }
    if (cors.maxAge !== undefined) response.set("Access-Control-Max-Age", String(cors.maxAge));
  }
  handler.finish();
  return true;
}
