/** A set of IP addresses and networks, for "do we trust this peer?". */
import { BlockList, isIP } from "node:net";
import { InvalidArgumentError } from "../base/errors.js";

/**
 * Holds addresses ("10.0.0.1", "::1") and networks in CIDR form ("10.0.0.0/8").
 * @throws InvalidArgumentError for an entry that is neither.
 */
export class AddressSet {
  readonly #list = new BlockList();
  readonly #empty: boolean;

  constructor(entries: Iterable<string>) {
    let empty = true;
    for (const entry of entries) {
      empty = false;
      const slash = entry.indexOf("/");
      const address = slash < 0 ? entry : entry.slice(0, slash);
      const family = isIP(address);
      const type = family === 6 ? "ipv6" : "ipv4";
      const bits = slash < 0 ? undefined : Number(entry.slice(slash + 1));
      const widest = family === 6 ? 128 : 32;
      const badBits = bits !== undefined && !(Number.isInteger(bits) && bits >= 0 && bits <= widest);
      if (family === 0 || badBits || (slash >= 0 && !/^\d+$/.test(entry.slice(slash + 1)))) {
        throw new InvalidArgumentError(
          `expected an IP address or a network such as 10.0.0.0/8, got ${JSON.stringify(entry)}`,
        );
      }
      if (bits === undefined) this.#list.addAddress(address, type);
      else this.#list.addSubnet(address, bits, type);
    }
    this.#empty = empty;
  }

  /** True when `address` is in the set; text that is no IP address never is. */
  has(address: string): boolean {
    if (this.#empty) return false;
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 6 ? "ipv6" : "ipv4");
  }
}
