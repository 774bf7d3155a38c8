/** `squall/autoreload`: starting a program again when its source changes. Tornado: `tornado.autoreload`. */
export { type AutoreloadOptions, addReloadHook, start, wait, watch } from "./devel/autoreload.js";
export { type AutoreloadMainOptions, main } from "./devel/autoreload-main.js";
