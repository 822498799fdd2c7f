import { rename } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';

let database: Promise<DuckDBInstance> | undefined;

/**
 * Writes a parquet file again as the rows of a query, for data sets as other programs leave them.
 * @param sql a query over the table `t`, such as `select * exclude (tasks), tasks[1] as tasks from t`
 * @param to another file than the one that is read
 */
export async function rewriteTable(path: string, sql: string, to = path): Promise<void> {
  const connection = await (await (database ??= DuckDBInstance.create(':memory:', { threads: '1' }))).connect();
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const from = `read_parquet(${quoted(path)}, hive_partitioning = false)`;
  const aside = `${to}.aside`;
  await connection.run(`copy (with t as (select * from ${from}) ${sql}) to ${quoted(aside)} (format parquet)`);
  connection.closeSync();
  await rename(aside, to);
}
