/** Where the project lies, as seen from compiled tests in build/test/support. */
import { fileURLToPath } from "node:url";

/** The project's root folder, with a slash at its end. */
export const root: string = fileURLToPath(new URL("../../../", import.meta.url));
