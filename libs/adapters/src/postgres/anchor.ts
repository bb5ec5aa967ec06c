import type { DataSource } from 'typeorm';
import type { ArchiveAnchor } from '#libs/history';
import type { Sequence } from '#libs/log';
import { rowsOf } from './data-source.js';

const CHAIN = {
  name: 'chain-at',
  text: `select sequence, encode(chain, 'hex') as chain from revision
          where stream = 'state' and sequence <= $1 and chain is not null order by sequence desc limit 1`,
};

/** The chain at the newest event of `state` up to a sequence, as the projection has it; undefined where it has none. */
export async function anchorAt(dataSource: DataSource, until: Sequence): Promise<ArchiveAnchor | undefined> {
  const [row] = await rowsOf<{ sequence: string; chain: string }>(dataSource, CHAIN, [until]);
  return row && { sequence: Number(row.sequence), chain: row.chain };
}
