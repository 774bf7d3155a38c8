/** An application's settings: the defaults that `debug` implies, and the question whether one is there. */
import { InvalidStateError } from "../base/errors.js";
import type { ApplicationSettings } from "./types.js";

/** A copy of the settings, with what `debug` stands for. */
export function resolveSettings(settings: ApplicationSettings): ApplicationSettings {
  const resolved: ApplicationSettings = { ...settings };
  if (resolved.debug === true) {
    resolved.autoreload ??= true;
    resolved.compiledTemplateCache ??= false;
    resolved.staticHashCache ??= false;
    resolved.serveTraceback ??= true;
  }
  return resolved;
}

/** Throws unless the setting is there; an empty text, `false` and 0 count as absent. */
export function requireSetting(settings: ApplicationSettings, name: string, feature: string): void {
  if (settings[name]) return;
  throw new InvalidStateError(`You must define the '${name}' setting in your application to use ${feature}`);
}
