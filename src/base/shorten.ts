/** Text from outside in log lines and messages: enough of it to recognise, however long it is. */

/** Characters of a URL, a header or another piece of input that a log line shows. */
const SHOWN = 256;

/**
 * Returns `text`, cut after `limit` UTF-16 units (default 256) with the full length behind it. What the other
 * side sends decides how long a line of the log is; this keeps it from deciding how fast the disk fills.
 */
export function shorten(text: string, limit: number = SHOWN): string {
  if (text.length <= limit) return text;
  // Half of a surrogate pair would be shown as a replacement character.
  const last = text.charCodeAt(limit - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit;
  return `${text.slice(0, end)}… (${text.length} characters)`;
}
