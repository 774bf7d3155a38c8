/** What every container and every adapter promises of HTTP; see container-contract.ts. */
import "../support/guard.js";
import { describe } from "node:test";
import { containerContract } from "./container-contract.js";
import { CONTAINERS } from "./container-kits.js";

for (const kit of CONTAINERS) describe(kit.name, kit.needs ?? {}, () => containerContract(kit));
