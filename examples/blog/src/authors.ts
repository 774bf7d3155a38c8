/** Who writes: accounts, by their address. */
import type { Database } from "./database.js";
import { hashPassword, verifyPassword } from "./passwords.js";

/** An author, without the password. */
export interface Author {
  readonly id: number;
  readonly name: string;
  readonly email: string;
}

const COLUMNS = "id, name, email";

export class Authors {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds an author; undefined if the address is taken. */
  async add(name: string, email: string, password: string): Promise<Author | undefined> {
    // The database has the last word on what is taken: two may ask at once.
    const [author] = await this.#database.query<Author>(
      `INSERT INTO author (name, email, password) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING RETURNING ${COLUMNS}`,
      [name, email.toLowerCase(), await hashPassword(password)],
    );
    return author;
  }

  /** The author with that id, or undefined. */
  async get(id: number): Promise<Author | undefined> {
    const [author] = await this.#database.query<Author>(`SELECT ${COLUMNS} FROM author WHERE id = $1`, [id]);
    return author;
  }

  /** The author whose address and password these are, or undefined. */
  async signIn(email: string, password: string): Promise<Author | undefined> {
    const [found] = await this.#database.query<Author & { password: string }>(
      `SELECT ${COLUMNS}, password FROM author WHERE email = $1`,
      [email.toLowerCase()],
    );
    if (!(await verifyPassword(password, found?.password)) || found === undefined) return undefined;
    return { id: found.id, name: found.name, email: found.email };
  }
}
