// npm start: prepares the blog and runs it on http://localhost:8888.
import { prepareExample } from "../../scripts/prepare-example.mjs";

prepareExample(new URL(".", import.meta.url));
await import("./build/server.js");
