/**
 * The path of a file or folder, as options take it: text, or a `file:` URL such as
 * `new URL("./locale/", import.meta.url)`, which finds what lies beside a module wherever the program was
 * started.
 */
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { InvalidArgumentError } from "./errors.js";

/**
 * The path that `value` says; text is returned as it is. `name` is the option or parameter, for messages.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for anything but text and a `file:` URL of
 *   this machine
 */
export function filePath(name: string, value: string | URL): string {
  if (typeof value === "string") return value;
  if ((value as unknown) instanceof URL && value.protocol === "file:") {
    try {
      return fileURLToPath(value);
    } catch (cause) {
      throw new InvalidArgumentError(`${name} cannot be ${value.href}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  const got = (value as unknown) instanceof URL ? value.href : inspect(value, { depth: 0 });
  throw new InvalidArgumentError(`${name} must be a path or a file: URL, got ${got}`);
}
