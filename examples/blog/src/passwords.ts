/**
 * Passwords are kept as what scrypt makes of them (RFC 7914), with a salt of their own each:
 *
 *     scrypt$15$8$3$<salt, base64>$<hash, base64>         log2 of the cost, block size, parallelization
 *
 * The parameters are in the value, so that new passwords can cost more while old ones stay valid. Hashing runs on the
 * thread pool and the loop goes on; the pool has four threads, which files and host names need too, so no more than two
 * hash at once and the others wait in line.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { Semaphore } from "squall/locks";

/** A third of a second or less on a small server, 32 MiB: one of the choices that OWASP recommends. */
const PARAMETERS = { log2: 15, blockSize: 8, parallelization: 3 };
const SALT_SIZE = 16;
const HASH_SIZE = 32;

/** Shorter passwords can be guessed; longer ones than this are an attack on our time. */
export const PASSWORD_LENGTH = { min: 10, max: 200 } as const;

const places = new Semaphore(2);

function derive(password: string, salt: Buffer, parameters: typeof PARAMETERS): Promise<Buffer> {
  const { log2, blockSize, parallelization } = parameters;
  const options: ScryptOptions = {
    cost: 2 ** log2,
    blockSize,
    parallelization,
    maxmem: 2 ** log2 * blockSize * 256,
  };
  return places.use(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        // The same letters may be typed as different code points, depending on the keyboard.
        scrypt(password.normalize("NFKC"), salt, HASH_SIZE, options, (error, hash) =>
          error === null ? resolve(hash) : reject(error),
        );
      }),
  );
}

/** What is stored for a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_SIZE);
  const { log2, blockSize, parallelization } = PARAMETERS;
  const hash = await derive(password, salt, PARAMETERS);
  return ["scrypt", log2, blockSize, parallelization, salt.toString("base64"), hash.toString("base64")].join(
    "$",
  );
}

/**
 * True if the password is the one that was stored. Without a stored one it is false after the same work, so that how
 * long a sign-in takes does not say who has an account.
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [kind, log2, blockSize, parallelization, salt = "", hash = ""] = stored?.split("$") ?? [];
  if (kind !== "scrypt") {
    await derive(password, randomBytes(SALT_SIZE), PARAMETERS);
    return false;
  }
  const parameters = {
    log2: Number(log2),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
  };
  const expected = Buffer.from(hash, "base64");
  const actual = await derive(password, Buffer.from(salt, "base64"), parameters);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
