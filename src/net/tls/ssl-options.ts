/**
 * TLS options, in Tornado's words (`certfile`, `keyfile`, `certReqs`, `caCerts`, …) and in Node's (`cert`,
 * `key`, `requestCert`, `ca`, …), made into a context: what is read, parsed and checked once and serves any
 * number of connections.
 *
 * Clients verify by default: the chain, the dates, and that the certificate is for the name they asked for.
 */
import { readFileSync } from "node:fs";
import type { PeerCertificate, SecureContext, SecureContextOptions, SecureVersion } from "node:tls";
import { InvalidArgumentError } from "../../base/errors.js";
import { filePath } from "../../base/file-path.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkOneOf } from "../../base/validate.js";

/**
 * Which certificate the other side has to send: none, a valid one if it has one, or a valid one in any case.
 */
export type CertificateRequirement = "none" | "optional" | "required";

/** What an {@link SSLOptions.SNICallback} answers with; undefined for the default context. */
export type SniAnswer = SSLContext | SecureContext | undefined;

/** How an {@link SSLOptions.SNICallback} answers in Node's style. */
export type SniCallbackAnswer = (error: Error | null, context?: SniAnswer) => void;

/** TLS options. Everything that `tls.createSecureContext` takes may be given as well. */
export interface SSLOptions extends SecureContextOptions {
  /**
   * File with the certificate and its chain, in PEM, as a path or `file:` URL, like the next two; `cert`
   * takes the content instead. Servers need one; default: not set.
   */
  readonly certfile?: string | URL | undefined;
  /** File with the private key, in PEM; default `certfile`. `key` takes the content instead. */
  readonly keyfile?: string | URL | undefined;
  /** File with the authorities to trust, in PEM; default Node's list. `ca` takes the content instead. */
  readonly caCerts?: string | URL | undefined;
  /** Which certificate the other side has to show; default `required` for clients and `none` for servers. */
  readonly certReqs?: CertificateRequirement | undefined;
  /** Whether a client checks that the certificate is for the server's name; default true. */
  readonly checkHostname?: boolean | undefined;
  /** The ciphers to offer or take, in OpenSSL's notation; default Node's list. */
  readonly ciphers?: string | undefined;
  /**
   * The one protocol version to speak; default TLS 1.2 and 1.3 (`minVersion` and `maxVersion` set a range).
   */
  readonly sslVersion?: SecureVersion | undefined;
  /** Application protocols, the best first (RFC 7301); default none. */
  readonly ALPNProtocols?: readonly string[] | undefined;
  /**
   * Servers: the context for the name that a client asks for. It returns a context or a promise of one, where
   * undefined stands for the default context ({@link SniAnswer}); or it has a second parameter, returns
   * undefined, and answers by that callback. An error ends that one handshake. Default none: one context for
   * all names.
   */
  readonly SNICallback?: ((servername: string, callback: SniCallbackAnswer) => unknown) | undefined;
  /** Servers, Node's words: ask for a certificate; default false. `certReqs` beats it. */
  readonly requestCert?: boolean | undefined;
  /** Node's words: whether an invalid certificate ends the handshake; default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Clients: checks the name and returns an error or undefined; default `tls.checkServerIdentity`. */
  readonly checkServerIdentity?: ((hostname: string, cert: PeerCertificate) => Error | undefined) | undefined;
}

const OPTIONS = optionNames<SSLOptions>({
  certfile: 1,
  keyfile: 1,
  caCerts: 1,
  certReqs: 1,
  checkHostname: 1,
  ciphers: 1,
  sslVersion: 1,
  ALPNProtocols: 1,
  SNICallback: 1,
  requestCert: 1,
  rejectUnauthorized: 1,
  checkServerIdentity: 1,
  ALPNCallback: 1,
  allowPartialTrustChain: 1,
  ca: 1,
  cert: 1,
  sigalgs: 1,
  clientCertEngine: 1,
  crl: 1,
  dhparam: 1,
  ecdhCurve: 1,
  honorCipherOrder: 1,
  key: 1,
  privateKeyEngine: 1,
  privateKeyIdentifier: 1,
  maxVersion: 1,
  minVersion: 1,
  passphrase: 1,
  pfx: 1,
  secureOptions: 1,
  secureProtocol: 1,
  sessionIdContext: 1,
  ticketKeys: 1,
  sessionTimeout: 1,
});

/** A TLS context: see {@link sslOptionsToContext}. */
export class SSLContext {
  /** Keys, certificates and authorities, as Node holds them. */
  readonly secureContext: SecureContext;
  /** Which certificate the other side has to show; undefined for the default of the side. */
  readonly certReqs: CertificateRequirement | "unchecked" | undefined;
  /** Whether a client checks the name; see {@link SSLOptions.checkHostname}. */
  readonly checkHostname: boolean;
  /** Application protocols, the best first. */
  readonly ALPNProtocols: readonly string[] | undefined;
  /** Contexts by name; see {@link SSLOptions.SNICallback}. */
  readonly SNICallback: SSLOptions["SNICallback"];
  /** How a client checks the name. */
  readonly checkServerIdentity: (hostname: string, cert: PeerCertificate) => Error | undefined;

  constructor(secureContext: SecureContext, options: SSLOptions = {}) {
    this.secureContext = secureContext;
    this.certReqs = requirement(options);
    this.checkHostname = options.checkHostname ?? true;
    this.ALPNProtocols = options.ALPNProtocols;
    this.SNICallback = options.SNICallback;
    this.checkServerIdentity =
      options.checkServerIdentity ?? process.getBuiltinModule("node:tls").checkServerIdentity;
  }
}

function requirement({ certReqs, requestCert, rejectUnauthorized }: SSLOptions): SSLContext["certReqs"] {
  if (certReqs !== undefined) return checkOneOf("certReqs", certReqs, ["none", "optional", "required"]);
  if (rejectUnauthorized === false) return requestCert === true ? "unchecked" : "none";
  if (requestCert === true) return "required";
  return requestCert === false ? "none" : undefined;
}

/** A file named by an option; a missing one is the caller's mistake and is said so. */
function readOption(option: string, file: string | URL): Buffer {
  const path = filePath(option, file);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InvalidArgumentError(`${option} cannot be read: ${path}`, { cause: error });
  }
}

/**
 * The TLS context of these options. Contexts are passed through, also Node's own. Reads the files now; throws
 * an `InvalidArgumentError` if one cannot be read or an option's name is misspelt (others may be those of a
 * newer Node), and OpenSSL's error if what is in it is not what it should be. With `serverSide: true` a
 * certificate has to be there.
 */
export function sslOptionsToContext(
  options: SSLOptions | SSLContext | SecureContext,
  { serverSide = false }: { readonly serverSide?: boolean | undefined } = {},
): SSLContext {
  if (options instanceof SSLContext) return options;
  if (isSecureContext(options)) return new SSLContext(options);
  checkNames("option of TLS", options, OPTIONS, true);
  const { certfile, keyfile, caCerts, sslVersion, ...rest } = options;
  const settings: SecureContextOptions = { ...rest };
  if (certfile !== undefined) settings.cert = readOption("certfile", certfile);
  if (keyfile !== undefined) settings.key = readOption("keyfile", keyfile);
  else if (certfile !== undefined && settings.key === undefined) settings.key = settings.cert as Buffer;
  if (caCerts !== undefined) settings.ca = readOption("caCerts", caCerts);
  if (sslVersion !== undefined) {
    settings.minVersion = sslVersion;
    settings.maxVersion = sslVersion;
  }
  if (serverSide) {
    if (settings.cert === undefined && settings.pfx === undefined && options.SNICallback === undefined) {
      throw new InvalidArgumentError(
        "a TLS server needs a certificate: give certfile and keyfile, or cert and key",
      );
    }
    // A server that asks for certificates and has no such name cannot resume sessions; any constant will do.
    settings.sessionIdContext ??= "squall";
  }
  return new SSLContext(process.getBuiltinModule("node:tls").createSecureContext(settings), options);
}

function isSecureContext(options: SSLOptions | SecureContext): options is SecureContext {
  return "context" in options && typeof options.context === "object";
}
