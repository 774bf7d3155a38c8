/** User name and password as HTTP's Basic scheme sends them (RFC 7617 §2). */

/**
 * The bytes of `user:password`, before base64. Text is brought into Unicode's normal form C and encoded as
 * UTF-8; bytes are taken as they are. The server cannot tell a colon in the user name from the separator; it
 * is not refused here. Tornado `encode_username_password`.
 */
export function encodeUsernamePassword(username: string | Uint8Array, password: string | Uint8Array): Buffer {
  return Buffer.concat([toOctets(username), Buffer.from(":"), toOctets(password)]);
}

function toOctets(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? Buffer.from(text.normalize("NFC"), "utf8") : text;
}
