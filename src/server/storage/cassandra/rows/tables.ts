// Which tables the rows of a log lie in. A file of Cassandra goes when the last row in it has expired, so content with another life has tables of its own:
// this is the one place that says which. A log's name decides, which never changes, so whoever reads looks where was written.
/** The tables of one kind of content: rows that come in time, and those that come too late to lie in a file with the others. */
export interface RowTables {
  readonly inTime: Statements;
  readonly late: Statements;
  /** Which rows of a range came late. */
  readonly selectLate: string;
}

/** What is asked of one table. */
export interface Statements {
  /** An update, not an insert: one cell a row, and so one tombstone where rows have expired and Cassandra has not let them go yet. */
  readonly update: string;
  readonly up: string;
  readonly down: string;
}

const text = tablesOf('log_rows');
const inbox = tablesOf('inbox_rows');

/** A user's log is an inbox, and reports live as long as its entries do; every other log is text. */
export function tablesOfLog(log: string): RowTables {
  return /^(?:user|reports|reporter)\//.test(log) ? inbox : text;
}

function tablesOf(table: string): RowTables {
  const late = `${table}_late`;
  const selectLate = `select seq from ${late} where log = ? and segment = ? and seq >= ? and seq <= ?`;
  return { inTime: statementsOf(table), late: statementsOf(late), selectLate };
}

function statementsOf(table: string): Statements {
  const select = (order: 'asc' | 'desc') => `select seq, row, writetime(row) as written from ${table}
    where log = ? and segment = ? and seq >= ? and seq <= ? order by seq ${order}`;
  const update = `update ${table} using timestamp ? and ttl ? set row = ? where log = ? and segment = ? and seq = ?`;
  return { update, up: select('asc'), down: select('desc') };
}
