/** `FormData` as `multipart/form-data` (RFC 7578), with the escapes that browsers use in names. */
import { randomBytes } from "node:crypto";

/** A form, ready to be sent any number of times. */
export interface EncodedForm {
  readonly contentType: string;
  /** Octets of all pieces together. */
  readonly length: number;
  pieces(): AsyncIterable<Uint8Array>;
}

/** Encodes a form. Files are read when the pieces are. */
export function encodeFormData(form: FormData): EncodedForm {
  const boundary = `----squall${randomBytes(18).toString("base64url")}`;
  const parts: (Buffer | Blob)[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
    if (typeof value === "string") {
      parts.push(Buffer.from(`${head}\r\n\r\n${value.replace(/\r\n|\r|\n/g, "\r\n")}\r\n`));
    } else {
      const type = value.type === "" ? "application/octet-stream" : value.type;
      parts.push(
        Buffer.from(`${head}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`),
        value,
        Buffer.from("\r\n"),
      );
    }
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  let length = 0;
  for (const part of parts) length += part instanceof Blob ? part.size : part.length;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length,
    async *pieces() {
      for (const part of parts) {
        if (part instanceof Blob) yield* part.stream() as unknown as AsyncIterable<Uint8Array>;
        else yield part;
      }
    },
  };
}

function escapeName(name: string): string {
  return name.replace(/\r\n|\r|\n/g, "%0D%0A").replace(/"/g, "%22");
}
