/** An application's settings: the defaults that `debug` implies, and the question whether one is there. */
import { inspect } from "node:util";
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkNames } from "../../base/nearest-name.js";
import { BaseLoader } from "../../text/template/base-loader.js";
import { checkAutoescape } from "../../text/template/template.js";
import { checkWhitespaceMode } from "../../text/template/whitespace.js";
import { resolvePolicies } from "../handler/response-policies.js";
import type { ApplicationSettings } from "../types.js";

/**
 * The settings that squall knows. A name that resembles one of them is a mistake; any other is the
 * application's.
 */
const KNOWN: ReadonlySet<string> = new Set([
  "debug",
  "autoescape",
  "autoreload",
  "compiledTemplateCache",
  "cookieSecret",
  "defaultHandlerArgs",
  "defaultHandlerClass",
  "defaultHost",
  "gzip",
  "handlerTimeout",
  "keyVersion",
  "logFunction",
  "loginUrl",
  "serveTraceback",
  "serverHeader",
  "staticHandlerArgs",
  "staticHandlerClass",
  "staticHashCache",
  "staticPath",
  "staticUrlPrefix",
  "templateLoader",
  "templatePath",
  "templateWhitespace",
  "transforms",
  "uiMethods",
  "uiModules",
  "xsrfCookieKwargs",
  "xsrfCookieName",
  "xsrfCookieVersion",
  "xsrfCookies",
  "compressResponse",
  "cors",
  "websocketPingInterval",
  "websocketPingTimeout",
  "websocketMaxMessageSize",
  "websocketOptions",
  "securityHeaders",
]);

/** What settings of a few values may say. */
const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  xsrfCookies: [true, false],
  xsrfCookieVersion: [1, 2],
  compressResponse: [true, false],
  gzip: [true, false],
  debug: [true, false],
  autoreload: [true, false],
  serveTraceback: [true, false],
  staticHashCache: [true, false],
  compiledTemplateCache: [true, false],
};

function checkSettings(settings: ApplicationSettings): void {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = settings[name];
    if (value === undefined || choices.includes(value)) continue;
    throw new InvalidArgumentError(
      `the setting ${name} must be ${choices.join(" or ")}, got ${inspect(value, { depth: 0 })}`,
    );
  }
  checkNames("setting", settings, KNOWN, true);
}

/**
 * A copy of the settings, with what `debug` stands for.
 * @throws InvalidArgumentError for a misspelt name, and for a value that cannot work.
 */
export function resolveSettings(settings: ApplicationSettings): ApplicationSettings {
  checkSettings(settings);
  const resolved: ApplicationSettings = { ...settings };
  if (resolved.gzip !== undefined) resolved.compressResponse ??= resolved.gzip;
  if (resolved.debug === true) {
    resolved.autoreload ??= true;
    resolved.compiledTemplateCache ??= false;
    resolved.staticHashCache ??= false;
    resolved.serveTraceback ??= true;
  }
  checkSecrets(resolved);
  checkTemplates(resolved);
  resolvePolicies(resolved);
  return resolved;
}

/** Faults here would otherwise show when the first page is rendered. */
function checkTemplates({
  autoescape,
  templateLoader,
  templatePath,
  templateWhitespace,
}: ApplicationSettings): void {
  if (autoescape !== undefined) checkAutoescape(autoescape);
  if (templateWhitespace !== undefined) checkWhitespaceMode(templateWhitespace);
  if (templateLoader !== undefined && !(templateLoader instanceof BaseLoader))
    throw new InvalidArgumentError("the setting templateLoader must be a loader of squall/template");
  if (templatePath !== undefined && typeof templatePath !== "string" && !(templatePath instanceof URL))
    throw new InvalidArgumentError("the setting templatePath must be the path or the file: URL of a folder");
}

/** An HMAC is as strong as its key; SHA-256 asks for 32 octets (RFC 2104 §3). */
const SECRET_LENGTH = 32;

/** Faults of the secrets are told at start, not when the first cookie is signed. */
function checkSecrets({ cookieSecret, keyVersion }: ApplicationSettings): void {
  if (cookieSecret === undefined) return;
  const isOne = typeof cookieSecret === "string" || cookieSecret instanceof Uint8Array;
  const secrets = isOne ? [cookieSecret] : Object.values(cookieSecret);
  if (!isOne && (keyVersion === undefined || !Object.hasOwn(cookieSecret, keyVersion))) {
    throw new InvalidArgumentError(
      `cookieSecret is a map of secrets, so keyVersion must be one of ${Object.keys(cookieSecret).join(", ")}, got ${keyVersion}`,
    );
  }
  if (secrets.some((secret) => Buffer.byteLength(secret) < SECRET_LENGTH)) {
    genLog.warning(
      "a cookieSecret has less than %d bytes and may be guessed; generate a random one",
      SECRET_LENGTH,
    );
  }
}

/** Throws unless the setting is there; an empty text, `false` and 0 count as absent. */
export function requireSetting(settings: ApplicationSettings, name: string, feature: string): void {
  if (settings[name]) return;
  throw new InvalidStateError(`You must define the '${name}' setting in your application to use ${feature}`);
}
