/** The media type of a file, by its name (RFC 9110 §8.3). */
import { extname } from "node:path";
import { lookup } from "mrmime";

const UNKNOWN = "application/octet-stream";

// A compressed file is sent as what it is, not as its content with a Content-Encoding: who asks for an
// archive wants it whole.
const OURS: ReadonlyMap<string, string> = new Map([
  [".gz", "application/gzip"],
  [".tgz", "application/gzip"],
  [".svgz", "application/gzip"],
  [".br", UNKNOWN],
  [".bz2", UNKNOWN],
  [".xz", UNKNOWN],
  [".z", UNKNOWN],
  [".zst", UNKNOWN],
  [".ico", "image/vnd.microsoft.icon"],
]);

/**
 * The type for a path; `application/octet-stream` if it is not known or the file is compressed in another way
 * than gzip.
 */
export function contentTypeOf(path: string): string {
  const extension = extname(path).toLowerCase();
  if (extension === "" || extension === ".") return UNKNOWN;
  return OURS.get(extension) ?? lookup(extension) ?? UNKNOWN;
}
