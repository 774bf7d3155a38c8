/**
 * Names of templates as seen from the template that holds them, with slashes as in a URL. Absolute names, and
 * those in a template whose own name is absolute or made up (`<string>`), stay as they are. Tornado
 * `DictLoader.resolve_path`.
 */
import { posix } from "node:path";

/** True if a name is to be read as seen from the template that holds it: both are relative paths. */
export function isRelativeTo(name: string, parentPath: string | undefined): parentPath is string {
  return (
    parentPath !== undefined &&
    parentPath !== "" &&
    !parentPath.startsWith("<") &&
    !parentPath.startsWith("/") &&
    !name.startsWith("/")
  );
}

/** A name as seen from the folder of another, both with slashes as in a URL. */
export function resolveName(name: string, parentPath: string | undefined): string {
  return isRelativeTo(name, parentPath) ? posix.normalize(posix.join(posix.dirname(parentPath), name)) : name;
}
