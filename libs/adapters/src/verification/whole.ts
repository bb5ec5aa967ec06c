import type { SignedCheckpoint, StreamName } from '#libs/log';
import { STREAMS } from '#libs/log';
import { connectWholeLog } from '../archive/index.js';
import { connectLog, type JetStreamOptions } from '../jetstream/index.js';
import { headOf } from '../postgres/chain.js';
import { connectPostgres, openSession, type PostgresOptions } from '../postgres/data-source.js';
import { appendCheckpoint, readCheckpointFile } from './checkpoint-file.js';
import { CheckpointStream } from './checkpoint-stream.js';
import { checkpointSigner, checkpointVerifier, lineHash } from './signing.js';
import { verifyCopies, type CopyVerified } from './copies.js';
import { verifyHistory, type Verified, type VerifyOptions } from './verify.js';

/** Where everything of a history is. */
export interface HistoryPlaces {
  readonly log: Pick<JetStreamOptions, 'url' | 'cluster' | 'replicas'>;
  readonly postgres: PostgresOptions;
  /** The folder of what was archived. */
  readonly archive: string;
  /** The file of signed checkpoints. */
  readonly file: string;
  /** PEM; absent: signatures are not looked at. */
  readonly publicKey?: string;
}

/** What came of verifying a history, and of the copies that each server of a log keeps; none where one keeps it alone. */
export interface WholeVerified extends Verified {
  readonly copies: readonly CopyVerified[];
}

/** Verifies a cluster's history where it is: log, archive, projection, both places of checkpoints, and each server's copy. */
export async function verifyWholeHistory(
  places: HistoryPlaces,
  options: Pick<VerifyOptions, 'streams' | 'from' | 'signal' | 'onProgress'>,
): Promise<WholeVerified> {
  const { log: where, archive, file, publicKey } = places;
  return opened(places, async (session) => {
    const log = await connectWholeLog({ ...where, name: 'decklog-verify', archive });
    const stream = await CheckpointStream.connect({ ...where, name: 'decklog-verify', readOnly: true });
    try {
      const checkpoints = [
        { kept: 'in the stream', all: await stream.all() },
        { kept: `in ${file}`, all: await readCheckpointFile(file) },
      ];
      const isSigned = publicKey === undefined ? {} : { isSigned: checkpointVerifier(publicKey) };
      const verified = await verifyHistory({ log, session, checkpoints, ...isSigned, ...options });
      return { ...verified, copies: await copiesOf(where, session, options) };
    } finally {
      await stream.close();
      await log.close();
    }
  });
}

async function copiesOf(
  where: HistoryPlaces['log'],
  session: Awaited<ReturnType<typeof openSession>>,
  { streams, from, signal }: Pick<VerifyOptions, 'streams' | 'from' | 'signal'>,
): Promise<readonly CopyVerified[]> {
  const log = await connectLog({ ...where, name: 'decklog-verify-copies' });
  try {
    const what = { ...(streams ? { streams } : {}), ...(from === undefined ? {} : { from }), ...(signal ? { signal } : {}) };
    return await verifyCopies({ log, session, ...what });
  } finally {
    await log.close();
  }
}

/** Signs that a person has accepted a history as it is now, and why: what was signed before does not count any more. */
export async function acceptHistory(places: HistoryPlaces, privateKey: string, why: string, time: string): Promise<SignedCheckpoint> {
  const { log: where, file } = places;
  return opened(places, async (session) => {
    const stream = await CheckpointStream.connect({ ...where, name: 'decklog-verify' });
    try {
      const all = [...(await stream.all()), ...(await readCheckpointFile(file))];
      const last = all.reduce<SignedCheckpoint | undefined>((best, one) => (best && best.number >= one.number ? best : one), undefined);
      const heads: [StreamName, SignedCheckpoint['streams'][StreamName]][] = [];
      for (const name of STREAMS) {
        const { sequence, chain } = await headOf(session, name);
        heads.push([name, { sequence, chain: Buffer.from(chain).toString('hex') }]);
      }
      const streams = Object.fromEntries(heads) as SignedCheckpoint['streams'];
      const previous = last === undefined ? '' : lineHash(last);
      const checkpoint = checkpointSigner(privateKey)({
        number: (last?.number ?? 0) + 1,
        cluster: where.cluster,
        time,
        streams,
        previous,
        accepted: why,
        since: streams.state.sequence,
      });
      await stream.append(checkpoint);
      await appendCheckpoint(file, checkpoint);
      return checkpoint;
    } finally {
      await stream.close();
    }
  });
}

async function opened<T>({ postgres }: HistoryPlaces, work: (session: Awaited<ReturnType<typeof openSession>>) => Promise<T>): Promise<T> {
  const database = await connectPostgres({ ...postgres, poolSize: 2 });
  try {
    const session = await openSession(database);
    try {
      return await work(session);
    } finally {
      await session.end();
    }
  } finally {
    await database.destroy();
  }
}
