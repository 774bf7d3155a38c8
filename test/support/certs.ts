/** Where the certificates for tests lie; `certs/README.md` says what they are. */
import { join } from "node:path";
import { root } from "./root.js";

function file(name: string): string {
  return join(root, "test", "support", "certs", name);
}

/** The authority that tests trust. */
export const caCerts: string = file("ca.pem");

/** Certificate and key files of one of the parties. */
export function certificate(name: "server" | "other" | "client" | "stranger" | "expired" | "wildcard"): {
  certfile: string;
  keyfile: string;
} {
  return { certfile: file(`${name}.pem`), keyfile: file(`${name}.key`) };
}
