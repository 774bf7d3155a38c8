/** How the page writes sizes, and how a response names the file that it carries. */

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** A size for people: `1 byte`, `48.2 KB`, `2 GB`; units are powers of 1000, as on the labels of disks. */
export function formatSize(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let unit = 0;
  let size = bytes;
  // 999.95 would be written as 1000.0.
  while (size >= 999.95 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${Number(size.toFixed(unit === 0 ? 0 : 1))} ${UNITS[unit]}`;
}

/**
 * `Content-Disposition` of a download (RFC 6266 §4.1): the name in ASCII for old clients, and whole, in the
 * encoding of RFC 8187 §3.2.
 */
export function attachment(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
