/** The routes that the `staticPath` setting stands for. */
import type { RuleInit } from "../../http/routing/rule-router.js";
import type { ApplicationSettings } from "../types.js";
import { StaticFileHandler } from "./static-file-handler.js";

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/**
 * The rules for files under `staticUrlPrefix`, for `/favicon.ico` and for `/robots.txt`; none without
 * `staticPath`. Fills in the settings' class, which also makes the URLs.
 */
export function staticRules(settings: ApplicationSettings): RuleInit[] {
  const { staticPath, staticUrlPrefix = "/static/", staticHandlerArgs } = settings;
  if (staticPath === undefined) return [];
  settings.staticHandlerClass ??= StaticFileHandler;
  const kwargs = { ...staticHandlerArgs, path: staticPath };
  return [`${escapeRegex(staticUrlPrefix)}(.*)`, "/(favicon\\.ico)", "/(robots\\.txt)"].map((pattern) => [
    pattern,
    settings.staticHandlerClass,
    kwargs,
  ]);
}
