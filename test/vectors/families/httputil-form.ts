/** Uploaded files as the vectors write them. */
import type { FileMap } from "squall/httputil";

/** Field name → files, without prototype. */
export function shownFiles(files: FileMap): Record<string, unknown> {
  const shown: Record<string, unknown> = Object.create(null);
  for (const [name, list] of Object.entries(files)) {
    shown[name] = list.map(({ filename, body, contentType }) => ({
      filename,
      body,
      content_type: contentType,
    }));
  }
  return shown;
}
