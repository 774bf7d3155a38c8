/**
 * One interface over two databases that speak the same SQL: a PostgreSQL server, by the library pg, and PGlite, which is
 * PostgreSQL inside this process with its files in a folder. Everything beyond this file knows only the interface.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/** What statements run on: the database, or one transaction of it. */
export interface Queries {
  /** Runs one statement with values for `$1`, `$2`, … and resolves with its rows. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a script of several statements, without values. */
  run(script: string): Promise<void>;
}

/** A database that is open. */
export interface Database extends Queries {
  /** What it is, for the log. */
  readonly name: string;
  /** Commits when `work` resolves; rolls back and rejects when it rejects. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Connections to a server; each costs it some megabytes. */
const POOL_SIZE = 10;
/** How long a statement may take, and how long it may wait for a connection (ms). */
const PATIENCE = 10_000;

/** Opens the PostgreSQL server that the URL names. */
export async function openPostgres(url: string): Promise<Database> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE,
    connectionTimeoutMillis: PATIENCE,
    statement_timeout: PATIENCE,
  });
  // An idle connection that breaks is replaced by the pool; without a listener the error would end the process.
  pool.on("error", (error) => console.error(`database: ${error.message}`));
  type Client = Pick<InstanceType<typeof pg.Client>, "query">;
  const queriesOf = (client: Client): Queries => ({
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await client.query(text, [...values])).rows as Row[],
    run: async (script) => {
      await client.query(script);
    },
  });
  return {
    name: "PostgreSQL",
    ...queriesOf(pool as unknown as Client),
    transaction: async (work) => {
      const client = await pool.connect();
      let broken = false;
      try {
        await client.query("BEGIN");
        const result = await work(queriesOf(client));
        await client.query("COMMIT");
        return result;
      } catch (error) {
        // A connection that cannot roll back is in an unknown state and must not be used again.
        await client.query("ROLLBACK").catch(() => {
          broken = true;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

/** Opens the PGlite database in a folder, which is made if need be. One process at a time. */
export async function openEmbedded(folder: string): Promise<Database> {
  const { PGlite } = await import("@electric-sql/pglite");
  await mkdir(dirname(folder), { recursive: true });
  const pglite = await PGlite.create(folder);
  type Client = Pick<typeof pglite, "query" | "exec">;
  const queriesOf = (client: Client): Queries => ({
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await client.query<Row>(text, [...values])).rows,
    run: async (script) => {
      await client.exec(script);
    },
  });
  return {
    name: "PGlite",
    ...queriesOf(pglite),
    transaction: (work) =>
      pglite.transaction((transaction) => work(queriesOf(transaction as unknown as Client))),
    close: () => pglite.close(),
  };
}
