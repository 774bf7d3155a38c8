/**
 * Templates of redirects: `/new/{0}`, `/new/{name}`, `{}` for the next one, `{{` and `}}` for braces.
 *
 * What is filled in comes from a request. It is percent-encoded, so that it cannot begin a query, name a host
 * or hold a line end; of the delimiters of RFC 3986 §2.2 only `!*()` stay, which separate nothing anywhere.
 * And a template that begins with one slash gives a URL that does: `/{0}` with `/evil.com` must not lead to
 * another site.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { percentEncodePath } from "../../http/routing/escape-path.js";

/**
 * Fills the placeholders of a template.
 * @throws InvalidArgumentError for a placeholder that has no value, or a stray brace.
 */
export function formatUrl(
  template: string,
  args: readonly (string | undefined)[],
  kwargs: Readonly<Record<string, string | undefined>>,
): string {
  let next = 0;
  const url = template.replace(/\{\{|\}\}|\{([A-Za-z0-9_]*)\}|[{}]/g, (match, name: string | undefined) => {
    if (match === "{{") return "{";
    if (match === "}}") return "}";
    if (name === undefined)
      throw new InvalidArgumentError(`a stray ${match} in the url ${JSON.stringify(template)}`);
    const value = /^\d*$/.test(name) ? args[name === "" ? next++ : Number(name)] : kwargs[name];
    if (value === undefined) {
      throw new InvalidArgumentError(
        `the url ${JSON.stringify(template)} has ${match}, but the route gives no such group`,
      );
    }
    return percentEncodePath(value).replace(/%(?:21|28|29|2A)/g, decodeURIComponent);
  });
  return /^\/(?![/\\])/.test(template) ? url.replace(/^[/\\]+/, "/") : url;
}
