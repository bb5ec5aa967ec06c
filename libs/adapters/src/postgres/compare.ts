import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';

/** One table, or a part of one, whose rows two schemas should share. */
export interface Comparison {
  readonly name: string;
  readonly table: string;
  /** Columns that order the rows, and name one. */
  readonly key: readonly string[];
  /** Which rows count. */
  readonly where: string;
}

/** What came of comparing a table: how many rows and which digest each side has, and the first row that differs. */
export interface Compared {
  readonly table: string;
  readonly rows: readonly [number, number];
  readonly digests: readonly [string, string];
  /** The key of the first row that is missing on one side or differs; absent where all are the same. */
  readonly difference?: string;
}

const PAGE = 5_000;

interface Line {
  readonly key: string;
  readonly digest: string;
}

/** The rows of a table in order, each as its key and the digest of its text, a page at a time. */
async function* lines(session: ClientBase, { table, key, where }: Comparison): AsyncGenerator<Line> {
  const columns = key.join(', ');
  const cursor = `compare_${table}`;
  await session.query(
    `declare ${cursor} no scroll cursor for
       select concat_ws('/', ${columns}) as key, md5(t::text) as digest from ${table} t where ${where} order by ${columns}`,
  );
  for (;;) {
    const { rows } = await session.query<Line>(`fetch ${PAGE} from ${cursor}`);
    yield* rows;
    if (rows.length < PAGE) break;
  }
  await session.query(`close ${cursor}`);
}

/** One side while its rows are counted and digested. */
class Side {
  count = 0;
  private readonly hash = createHash('sha256');

  constructor(private readonly rows: AsyncGenerator<Line>) {}

  async next(): Promise<Line | undefined> {
    const result = await this.rows.next();
    if (result.done) return undefined;
    this.count++;
    this.hash.update(result.value.digest);
    return result.value;
  }

  digest(): string {
    return this.hash.digest('hex');
  }
}

/** Compares a table row for row through two sessions that are each in a transaction, with their search_path on a schema of their own. */
export async function compareTable(left: ClientBase, right: ClientBase, comparison: Comparison): Promise<Compared> {
  const [one, two] = [new Side(lines(left, comparison)), new Side(lines(right, comparison))];
  let difference: string | undefined;
  let [a, b] = [await one.next(), await two.next()];
  while (a || b) {
    difference ??= differing(a, b);
    [a, b] = [await one.next(), await two.next()];
  }
  return {
    table: comparison.name,
    rows: [one.count, two.count],
    digests: [one.digest(), two.digest()],
    ...(difference === undefined ? {} : { difference }),
  };
}

/** The key of the row in which two lines differ; of two keys, the one that comes first is what the other side lacks. */
function differing(a: Line | undefined, b: Line | undefined): string | undefined {
  if (a?.key === b?.key) return a?.digest === b?.digest ? undefined : a?.key;
  if (!a || !b) return (a ?? b)?.key;
  return a.key < b.key ? a.key : b.key;
}
