import { drive, url } from "../lib/drive.mjs";

await drive(async () => (await (await fetch(url)).text()).length);
