/** The version of this package, for the Server and User-Agent fields; a test holds it to package.json. */
export const version = "0.1.0";
