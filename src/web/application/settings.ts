/** An application's settings: the defaults that `debug` implies, and the question whether one is there. */
import { InvalidStateError } from "../../base/errors.js";
import { resolvePolicies } from "../handler/response-policies.js";
import type { ApplicationSettings } from "../types.js";

/**
 * A copy of the settings, with what `debug` stands for; what they hold has been checked.
 * @throws InvalidArgumentError for a policy that cannot be sent.
 */
export function resolveSettings(settings: ApplicationSettings): ApplicationSettings {
  const resolved: ApplicationSettings = { ...settings };
  if (resolved.gzip !== undefined) resolved.compressResponse ??= resolved.gzip;
  if (resolved.debug === true) {
    resolved.autoreload ??= true;
    resolved.compiledTemplateCache ??= false;
    resolved.staticHashCache ??= false;
    resolved.serveTraceback ??= true;
  }
  resolvePolicies(resolved);
  return resolved;
}

/** Throws unless the setting is there; an empty text, `false` and 0 count as absent. */
export function requireSetting(settings: ApplicationSettings, name: string, feature: string): void {
  if (settings[name]) return;
  throw new InvalidStateError(`You must define the '${name}' setting in your application to use ${feature}`);
}
