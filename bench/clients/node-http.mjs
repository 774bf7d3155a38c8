import { Agent, get } from "node:http";
import { drive, limit, url } from "../lib/drive.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: limit });
await drive(
  () =>
    new Promise((resolve, reject) => {
      get(url, { agent }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(text.length));
      }).on("error", reject);
    }),
);
