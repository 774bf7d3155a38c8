/**
 * From names to addresses. The default asks the loop's network, which is the system's resolver (with its
 * hosts file, its search domains, in a thread of its own); `CaresResolver` speaks DNS itself;
 * `OverrideResolver` changes the answers of another one. What Tornado calls `ThreadedResolver`,
 * `BlockingResolver`, … are aliases of the default here: a lookup never blocks the loop of Node.
 */
import type { Resolver as DnsResolver } from "node:dns/promises";
import { isIP } from "node:net";
import { cancellable, type WaitOptions } from "../async/cancel.js";
import type { Executor } from "../async/executor/executor.js";
import { IOLoop } from "../async/ioloop.js";
import type { ResolvedAddress } from "../async/network.js";
import { resolveWait } from "../async/wait-options.js";
import { InvalidArgumentError } from "../base/errors.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { checkOneOf } from "../base/validate.js";
import { nodeNetwork } from "./node-network.js";

/** A TCP address as a resolver gives it. */
export interface ResolvedEndpoint {
  /** An IP address as text. */
  readonly host: string;
  /** The port that was asked for, or the one that a mapping puts in its place. */
  readonly port: number;
  /** Of which family the address is. */
  readonly family: 4 | 6;
}

/** Options of {@link Resolver.resolve}. */
export interface ResolveOptions extends WaitOptions {
  /** 4 or 6 for addresses of one family alone; default 0, both. */
  readonly family?: 0 | 4 | 6 | undefined;
}

const FAMILY = optionNames<Omit<ResolveOptions, keyof WaitOptions>>({ family: 1 });

/** Options of resolvers. */
export interface ResolverOptions {
  /** Whose network and timers to use; default the current loop. */
  readonly ioLoop?: IOLoop | undefined;
}

const RESOLVER_OPTIONS = optionNames<ResolverOptions>({ ioLoop: 1 });

/** Makes the resolver of a client that was not given one. */
let makeDefault: (options?: ResolverOptions) => Resolver = (options) => new DefaultLoopResolver(options);

/** Looks names up. Extend it and override {@link Resolver.lookup}. */
export class Resolver {
  /** Whose network is asked. */
  readonly ioLoop: IOLoop;

  constructor(options: ResolverOptions = {}) {
    checkNames("option of a resolver", options, RESOLVER_OPTIONS, true);
    this.ioLoop = options.ioLoop ?? IOLoop.current();
  }

  /**
   * What `new TCPClient()` uses from now on in this thread; undefined for {@link DefaultLoopResolver} again.
   */
  static configure(make: ((options?: ResolverOptions) => Resolver) | undefined): void {
    makeDefault = make ?? ((options) => new DefaultLoopResolver(options));
  }

  /** A new resolver of the configured kind. */
  static create(options?: ResolverOptions): Resolver {
    return makeDefault(options);
  }

  /**
   * The addresses of `host`, at least one, the preferred first; a literal address is its own answer. Rejects
   * with the resolver's error (`ENOTFOUND`, …). A cancel ends the waiting; a lookup of the system goes on
   * unheard.
   */
  async resolve(host: string, port: number, options: ResolveOptions = {}): Promise<ResolvedEndpoint[]> {
    resolveWait(options, FAMILY);
    const family = checkOneOf("family", options.family ?? 0, [0, 4, 6]);
    if (typeof host !== "string" || host === "" || host.includes("\0")) {
      throw new InvalidArgumentError(`a host must be a name or an address, got ${JSON.stringify(host)}`);
    }
    const literal = isIP(host);
    if (literal !== 0 && (family === 0 || family === literal)) {
      return [{ host, port, family: literal === 6 ? 6 : 4 }];
    }
    const found = await cancellable<ResolvedAddress[]>(
      this.ioLoop,
      `looking ${host} up`,
      options,
      (settle) => {
        this.lookup(host, family).then(settle.resolve, settle.reject);
        return undefined;
      },
    );
    return found.map((entry) => ({ host: entry.address, port, family: entry.family }));
  }

  /** Lets go of what the resolver holds. Twice is fine. */
  close(): void {}

  /** Looks a name up that is not a literal address of the family; rejects if it has no address. */
  protected lookup(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]> {
    return (this.ioLoop.network ?? nodeNetwork).resolve(host, family);
  }
}

/** Options of {@link DefaultLoopResolver}. */
export interface ThreadedResolverOptions extends ResolverOptions {
  /** Ignored: the environment variable `UV_THREADPOOL_SIZE` sets the size of Node's pool, by default 4. */
  readonly numThreads?: number | undefined;
}

/**
 * Asks the loop's network; see {@link Resolver}. Tornado's names for other ways to do so stand for this
 * class.
 */
export class DefaultLoopResolver extends Resolver {
  constructor(options: ThreadedResolverOptions = {}) {
    super(options);
  }

  /** Does nothing: there is nothing to set up. */
  initialize(_options?: ThreadedResolverOptions): void {}
}

/** {@link DefaultLoopResolver}: a lookup of the system runs in Node's thread pool in any case. */
export const DefaultExecutorResolver: typeof DefaultLoopResolver = DefaultLoopResolver;
export type DefaultExecutorResolver = DefaultLoopResolver;

/** {@link DefaultLoopResolver}: no lookup blocks the loop. */
export const BlockingResolver: typeof DefaultLoopResolver = DefaultLoopResolver;
export type BlockingResolver = DefaultLoopResolver;

/** {@link DefaultLoopResolver}, which uses Node's thread pool. */
export const ThreadedResolver: typeof DefaultLoopResolver = DefaultLoopResolver;
export type ThreadedResolver = DefaultLoopResolver;

/** Options of {@link ExecutorResolver}. */
export interface ExecutorResolverOptions extends ResolverOptions {
  /** Where lookups run; default where the loop is, which does not block. */
  readonly executor?: Executor | undefined;
  /** Whether `close()` shuts the executor down; default true. */
  readonly closeExecutor?: boolean | undefined;
}

/** Looks up in an executor, which decides how many lookups run at once. */
export class ExecutorResolver extends Resolver {
  /** Where lookups run; undefined for the loop's own way. */
  executor: ExecutorResolverOptions["executor"];
  /** Whether `close()` shuts the executor down. */
  closeExecutor = true;

  constructor(options: ExecutorResolverOptions = {}) {
    super(options);
    this.initialize(options);
  }

  /** Takes another executor. */
  initialize({ executor, closeExecutor }: ExecutorResolverOptions = {}): void {
    this.executor = executor;
    this.closeExecutor = closeExecutor ?? true;
  }

  override close(): void {
    if (this.closeExecutor) void this.executor?.shutdown();
    this.executor = undefined;
  }

  protected override async lookup(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]> {
    if (this.executor === undefined) return await super.lookup(host, family);
    return await this.executor.submit(() => super.lookup(host, family));
  }
}

/** Options of {@link CaresResolver}. */
export interface CaresResolverOptions extends ResolverOptions {
  /** The servers to ask, as `address` or `address:port`; default those of the system. */
  readonly servers?: readonly string[] | undefined;
  /** How long to wait for one answer, in milliseconds; default that of c-ares (5 s). */
  readonly queryTimeout?: number | undefined;
  /** How often to ask each server; default 4. */
  readonly tries?: number | undefined;
}

/**
 * Speaks DNS itself, by the c-ares library inside Node: no hosts file (but `localhost`), no search domains,
 * no threads.
 */
export class CaresResolver extends Resolver {
  readonly #dns: DnsResolver;

  constructor(options: CaresResolverOptions = {}) {
    super(options);
    const dns = process.getBuiltinModule("node:dns/promises");
    this.#dns = new dns.Resolver({ timeout: options.queryTimeout ?? -1, tries: options.tries ?? 4 });
    if (options.servers !== undefined) this.#dns.setServers([...options.servers]);
  }

  /** Gives lookups up that are under way. */
  override close(): void {
    this.#dns.cancel();
  }

  protected override async lookup(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]> {
    // RFC 6761 §6.3: this name never leaves the computer.
    const local = host.toLowerCase() === "localhost";
    const [six, four] = await this.ioLoop.external(
      Promise.allSettled([
        family === 4 ? [] : local ? ["::1"] : this.#dns.resolve6(host),
        family === 6 ? [] : local ? ["127.0.0.1"] : this.#dns.resolve4(host),
      ]),
    );
    const found: ResolvedAddress[] = [];
    for (const address of six.status === "fulfilled" ? six.value : []) found.push({ address, family: 6 });
    for (const address of four.status === "fulfilled" ? four.value : []) found.push({ address, family: 4 });
    if (found.length > 0) return found;
    throw four.status === "rejected" ? four.reason : (six as PromiseRejectedResult).reason;
  }
}

/**
 * What a mapping of {@link OverrideResolver} may be keyed by, the most specific counts: host, port and
 * family.
 */
export type OverrideKey =
  | string
  | readonly [host: string, port: number]
  | readonly [host: string, port: number, family: 0 | 4 | 6];

/** What it maps to: another host, or host and port. */
export type OverrideTarget = string | readonly [host: string, port: number];

/** A mapping: entries, or an object whose names are hosts. */
export type OverrideMapping =
  | ReadonlyMap<OverrideKey, OverrideTarget>
  | Iterable<readonly [OverrideKey, OverrideTarget]>
  | Readonly<Record<string, OverrideTarget>>;

/** Options of {@link OverrideResolver}. */
export interface OverrideResolverOptions extends ResolverOptions {
  /** The resolver that looks up the result of the mapping; default one of the configured kind. */
  readonly resolver?: Resolver | undefined;
  /** What to replace: keys are a host, `[host, port]` or `[host, port, family]`; default nothing. */
  readonly mapping?: OverrideMapping | undefined;
}

const OVERRIDE_OPTIONS = optionNames<OverrideResolverOptions>({ ioLoop: 1, resolver: 1, mapping: 1 });

/** Replaces hosts (and ports) before it asks another resolver, as a hosts file would. */
export class OverrideResolver extends Resolver {
  /** The resolver that answers for what is not overridden. */
  resolver: Resolver;
  /** What is overridden. */
  mapping: OverrideMapping;
  #table: Map<string, OverrideTarget> = new Map();

  constructor(options: OverrideResolverOptions = {}) {
    super(options);
    checkNames("option of a resolver", options, OVERRIDE_OPTIONS, true);
    this.resolver = options.resolver ?? Resolver.create(options);
    this.mapping = {};
    this.initialize(options);
  }

  /** Takes another resolver or mapping. */
  initialize({ resolver, mapping }: OverrideResolverOptions): void {
    if (resolver !== undefined) this.resolver = resolver;
    this.mapping = mapping ?? {};
    this.#table = new Map();
    const entries = Symbol.iterator in this.mapping ? this.mapping : Object.entries(this.mapping);
    for (const [key, target] of entries)
      this.#table.set(typeof key === "string" ? key : key.join("\0"), target);
  }

  override async resolve(
    host: string,
    port: number,
    options: ResolveOptions = {},
  ): Promise<ResolvedEndpoint[]> {
    const target =
      this.#table.get([host, port, options.family ?? 0].join("\0")) ??
      this.#table.get([host, port].join("\0")) ??
      this.#table.get(host) ??
      host;
    const [newHost, newPort] = typeof target === "string" ? [target, port] : target;
    return await this.resolver.resolve(newHost, newPort, options);
  }

  override close(): void {
    this.resolver.close();
  }
}
