/** Reason phrases that an application makes up. */

// Controls, and what could open a tag where a phrase is shown as HTML.
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]|</;

/**
 * A phrase as it may be sent: an empty one, and one with control characters, `<` or characters above U+00FF,
 * is "Unknown".
 */
export function safeReason(reason: string): string {
  return reason === "" || UNSAFE.test(reason) ? "Unknown" : reason;
}
