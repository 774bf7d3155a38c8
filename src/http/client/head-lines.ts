/**
 * The lines of a head, for `headerCallback`: as they came, so that a program of Tornado's can parse them
 * again.
 */
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { ResponseStartLine } from "../../protocol/fields/start-line.js";

/** Calls `show` with the status line, each field and an empty line, each with its CRLF. */
export function showHead(
  show: (line: string) => void,
  { version, code, reason }: ResponseStartLine,
  headers: HTTPHeaders,
): void {
  show(`${version} ${code} ${reason}\r\n`);
  const fields = headers.toRaw();
  for (let i = 0; i < fields.length; i += 2) show(`${fields[i]}: ${fields[i + 1]}\r\n`);
  show("\r\n");
}
