/**
 * Fields that concern one connection and not the message (RFC 9110 §7.6.1, RFC 9112 §9.6): whoever passes a
 * message on removes them, and our own sender writes those that the next connection needs.
 */

const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
]);

/** How long the names are, so that most are passed without a look at their letters. */
const LENGTHS: ReadonlySet<number> = new Set([...CONNECTION_FIELDS].map((name) => name.length));

/**
 * Whether a field of this name, in any spelling, concerns the connection. `Upgrade` is left to those who
 * know the status.
 */
export function isConnectionField(name: string): boolean {
  return LENGTHS.has(name.length) && CONNECTION_FIELDS.has(name.toLowerCase());
}
