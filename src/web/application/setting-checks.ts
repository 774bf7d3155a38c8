/**
 * What each setting may hold. A mistake in a setting is an error when the application is made, in words that
 * name the setting: most of them would otherwise show at some later request, or never.
 *
 * The table is also the list of the names that squall knows. A name that resembles one of them is a mistake,
 * and any other is the application's own.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { filePath } from "../../base/file-path.js";
import { genLog } from "../../base/log.js";
import { camelCase, checkNames } from "../../base/nearest-name.js";
import {
  checkBoolean,
  checkFunction,
  checkLimit,
  checkMilliseconds,
  checkObject,
  checkOneOf,
  checkString,
  shown,
} from "../../base/validate.js";
import type { HTTPServerOptions } from "../../http/server/http-server.js";
import { isFieldValue } from "../../protocol/fields/abnf.js";
import { BaseLoader } from "../../text/template/base-loader.js";
import { checkAutoescape } from "../../text/template/template.js";
import { checkWhitespaceMode } from "../../text/template/whitespace.js";
import { checkWebSocketOptionNames, resolveWebSocketOptions } from "../../websocket/params.js";
import { checkCookie } from "../handler/response-cookies.js";
import type { ApplicationSettings, CookieOptions } from "../types.js";
import { isHandlerClass } from "./application-router.js";

/** Throws if the value of the setting `name`, which is given, cannot work. */
type Check = (name: string, value: unknown) => unknown;

/** Checked in full by the file that works with it. */
const elsewhere: Check = () => {};

const CHECKS: Readonly<Record<string, Check>> = {
  autoescape: (_, value) => checkAutoescape(value as string | null),
  autoreload: checkBoolean,
  compiledTemplateCache: checkBoolean,
  compressResponse: checkBoolean,
  cookieSecret: checkSecret,
  cors: elsewhere, // resolvePolicies()
  debug: checkBoolean,
  defaultHandlerArgs: checkObject,
  defaultHandlerClass: checkHandlerClass,
  defaultHost: checkString,
  gzip: checkBoolean,
  handlerTimeout: checkMilliseconds,
  keyVersion: checkKeyVersion,
  logFunction: checkFunction,
  loginUrl: checkString,
  securityHeaders: elsewhere, // resolvePolicies()
  serverHeader: checkServerHeader,
  serveTraceback: checkBoolean,
  staticHandlerArgs: checkObject,
  staticHandlerClass: checkHandlerClass,
  staticHashCache: checkBoolean,
  staticPath: checkPath,
  staticUrlPrefix: checkUrlPrefix,
  templateLoader: checkLoader,
  templatePath: checkPath,
  templateWhitespace: (_, value) => checkWhitespaceMode(value as string),
  transforms: checkTransforms,
  uiMethods: elsewhere, // resolveUIMethods()
  uiModules: elsewhere, // resolveUIModules()
  websocketMaxMessageSize: checkLimit,
  websocketOptions: checkWebSocketOptions,
  websocketPingInterval: checkMilliseconds,
  websocketPingTimeout: checkMilliseconds,
  xsrfCookieKwargs: checkObject,
  xsrfCookieName: checkString,
  xsrfCookies: checkBoolean,
  xsrfCookieVersion: (name, value) => checkOneOf(name, value, [1, 2]),
};

const NAMES: ReadonlySet<string> = new Set(Object.keys(CHECKS));

/**
 * Options of the server that people look for among the settings, where they would limit and secure nothing.
 * Others, such as `protocol`, may be names of the application's own.
 */
const SERVER_OPTIONS: ReadonlySet<string> = new Set([
  "bodyTimeout",
  "decompressRequest",
  "headerTimeout",
  "idleConnectionTimeout",
  "maxBodySize",
  "maxBufferSize",
  "maxHeaderSize",
  "noKeepAlive",
  "sslOptions",
  "trustedDownstream",
  "xheaders",
] satisfies readonly (keyof HTTPServerOptions)[]);

/**
 * Checks all that can be known of the settings before the first request.
 * @throws InvalidArgumentError for a misspelt name, and for a value that cannot work.
 */
export function checkSettings(settings: ApplicationSettings): void {
  for (const name of Object.keys(settings).map(camelCase)) {
    if (!SERVER_OPTIONS.has(name)) continue;
    throw new InvalidArgumentError(
      `${name} is an option of the server, not a setting: app.listen(port, { ${name} })`,
    );
  }
  checkNames("setting", settings, NAMES, true);
  for (const [name, value] of Object.entries(settings)) {
    // A setting of the application may be named as any object's members are.
    if (value !== undefined && NAMES.has(name)) CHECKS[name]?.(`the setting ${name}`, value);
  }
  checkXsrfCookie(settings);
  checkKeys(settings);
}

function checkHandlerClass(name: string, value: unknown): void {
  if (isHandlerClass(value)) return;
  throw new InvalidArgumentError(`${name} must be a class that extends RequestHandler, got ${shown(value)}`);
}

function checkPath(name: string, value: unknown): void {
  if (filePath(name, value as string | URL) !== "") return;
  throw new InvalidArgumentError(`${name} must be a path or a file: URL, got an empty text`);
}

/** A prefix without its slashes would match the beginnings of other names, or nothing. */
function checkUrlPrefix(name: string, value: unknown): void {
  if (typeof value === "string" && /^\/.*\/$|^\/$/.test(value)) return;
  throw new InvalidArgumentError(
    `${name} must begin and end with a slash, as in "/static/", got ${shown(value)}`,
  );
}

function checkServerHeader(name: string, value: unknown): void {
  if (value === false || (typeof value === "string" && value !== "" && isFieldValue(value))) return;
  throw new InvalidArgumentError(
    `${name} must be the text of the field, or false for none, got ${shown(value)}`,
  );
}

function checkLoader(name: string, value: unknown): void {
  if (value instanceof BaseLoader) return;
  throw new InvalidArgumentError(`${name} must be a loader of squall/template, got ${shown(value)}`);
}

function checkTransforms(name: string, value: unknown): void {
  if (Array.isArray(value) && value.every((item) => typeof item === "function")) return;
  throw new InvalidArgumentError(`${name} must be a list of classes, got ${shown(value)}`);
}

function checkWebSocketOptions(name: string, value: unknown): void {
  const options = checkObject(name, value);
  checkWebSocketOptionNames(options);
  resolveWebSocketOptions(options);
}

function checkKeyVersion(name: string, value: unknown): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return;
  throw new InvalidArgumentError(`${name} must be an integer of at least 0, got ${shown(value)}`);
}

/** The name and the attributes of the XSRF cookie together: a prefix such as `__Host-` demands attributes. */
function checkXsrfCookie(settings: ApplicationSettings): void {
  const { xsrfCookieKwargs = {}, xsrfCookieName } = settings;
  if (xsrfCookieName === undefined && settings.xsrfCookieKwargs === undefined) return;
  checkCookie(xsrfCookieName ?? "_xsrf", xsrfCookieKwargs as CookieOptions);
}

/** An HMAC is as strong as its key; SHA-256 asks for 32 octets (RFC 2104 §3). */
const SECRET_LENGTH = 32;

const isSecret = (value: unknown): value is string | Uint8Array =>
  typeof value === "string" || value instanceof Uint8Array;

/** A text or octets, or those by the version of the key. */
function secretsOf(value: unknown): readonly unknown[] {
  return isSecret(value) || typeof value !== "object" || value === null ? [value] : Object.values(value);
}

/** A secret itself has no place in a message. */
const typeName = (value: unknown): string => (value === null ? "null" : typeof value);

function checkSecret(name: string, value: unknown): void {
  const secrets = secretsOf(value);
  if (secrets.length === 0 || !secrets.every((secret) => isSecret(secret) && secret.length > 0)) {
    throw new InvalidArgumentError(
      `${name} must be a secret as text or bytes, or secrets by the version of the key, got ${
        secrets.every(isSecret) ? "an empty one" : typeName(secrets.find((secret) => !isSecret(secret)))
      }`,
    );
  }
  if (
    (secrets as readonly (string | Uint8Array)[]).some((secret) => Buffer.byteLength(secret) < SECRET_LENGTH)
  ) {
    genLog.warning(
      "a cookieSecret has less than %d bytes and may be guessed; generate a random one",
      SECRET_LENGTH,
    );
  }
}

/** Of several secrets, one must be named that signs. */
function checkKeys({ cookieSecret, keyVersion }: ApplicationSettings): void {
  if (cookieSecret === undefined || isSecret(cookieSecret)) return;
  if (keyVersion !== undefined && Object.hasOwn(cookieSecret, keyVersion)) return;
  throw new InvalidArgumentError(
    `cookieSecret is a map of secrets, so keyVersion must be one of ${Object.keys(cookieSecret).join(", ")}, got ${keyVersion}`,
  );
}
