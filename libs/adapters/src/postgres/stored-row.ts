import { isUtf8 } from 'node:buffer';
import type { EventMeta } from '#libs/log';
import type { StoredRow } from '#libs/runtime';
import type { Opener } from '../sealing/index.js';

/** The columns that make a StoredRow. */
export interface BodyColumns {
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly sequence: string;
  readonly encoding: EventMeta['encoding'];
  readonly body: string;
}

/** How a body is kept in a text column: JSON as it is, sealed bytes as base64. */
export const bodyText = (body: Uint8Array, encoding: EventMeta['encoding']): string =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(encoding === 'json' ? 'utf8' : 'base64');

/** The same for a parameter: JSON is bytes of UTF-8 already, unless somebody else wrote it. */
export const storedBody = (body: Uint8Array, encoding: EventMeta['encoding']): string | Uint8Array =>
  encoding === 'json' && isUtf8(body) ? body : bodyText(body, encoding);

const OPENED_AT_ONCE = 64;

async function opened(
  { api_group: group, resource, namespace, name, sequence, encoding, body }: BodyColumns,
  opener: Opener,
): Promise<StoredRow> {
  const row = { resource: { group, resource }, namespace, name, sequence: Number(sequence) };
  if (encoding === 'json') return { ...row, body: Buffer.from(body, 'utf8') };
  return { ...row, body: await opener.open({ group, resource, namespace, name }, new Uint8Array(Buffer.from(body, 'base64'))) };
}

/** Rows as the runtime takes them, Secrets opened. Keys are fetched a few at a time. */
export async function storedRows(records: readonly BodyColumns[], opener: Opener): Promise<readonly StoredRow[]> {
  const rows: StoredRow[] = [];
  let [start, sealed] = [0, 0];
  for (const [i, { encoding }] of records.entries()) {
    if (encoding !== 'json') sealed++;
    if (sealed < OPENED_AT_ONCE && i < records.length - 1) continue;
    for (const row of await Promise.all(records.slice(start, i + 1).map((record) => opened(record, opener)))) rows.push(row);
    [start, sealed] = [i + 1, 0];
  }
  return rows;
}
