import { archiveFolderOf } from '../archive/folder.js';
import type { Cluster } from '../cluster.js';
import { Failure, messageOf } from '../failure.js';
import { requireLog } from '../nats.js';
import type { Folders } from '../profile.js';
import { secretsOf } from '../profile.js';
import { controlPlaneSettings, inheritedSettings } from '../settings.js';
import { count, differenceOf, differenceText, emptyTally, tallyText, type Difference, type Tally } from './report.js';

/** Which decisions, and how to say what came of it. */
export interface VerifyOptions {
  readonly from?: number;
  readonly to?: number;
  readonly format: string;
  readonly write: (text: string) => void;
  /** Where progress goes; absent: nowhere. */
  readonly progress?: (text: string) => void;
}

/** Differences that are kept for `-o json`; what is beyond them is only counted. */
const MOST_KEPT = 10_000;
const PROGRESS_EVERY_MS = 250;

/** The document that `-o json` prints. */
function document(tally: Tally, differences: readonly Difference[], events: number, seconds: number): string {
  const { decided, same, different, uncheckable, reasons, controllers, builds } = tally;
  const report = {
    events,
    decided,
    same,
    different,
    uncheckable,
    reasons: Object.fromEntries(reasons),
    controllers: [...controllers].sort(),
    builds: [...builds].sort(),
    seconds: Number(seconds.toFixed(3)),
    eventsPerSecond: Math.round(events / Math.max(seconds, 0.001)),
    differences,
    ...(different > differences.length ? { truncated: true } : {}),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Feeds the log to the controllers again, with the settings the control plane runs with, and prints every decision that is not
 * the same; how many there were.
 */
export async function verifyDecisions(cluster: Cluster, folders: Folders, options: VerifyOptions): Promise<number> {
  requireLog(cluster, folders);
  // Loaded here: all controllers and the drivers are slow to load, and no other command needs them.
  const [
    { ControlPlaneConfig, loadConfig, openLog, pkiReader },
    { everyControllerOf },
    { recompute },
    { DEFINITIONS },
    { legacyTokenSigner },
  ] = await Promise.all([
    import('#libs/platform'),
    import('#libs/controller-manager'),
    import('#libs/runtime'),
    import('#libs/api'),
    import('#libs/server'),
  ]);
  const settings = controlPlaneSettings(cluster, folders, await secretsOf(folders), 'control-plane');
  const config = loadConfig(ControlPlaneConfig, { ...inheritedSettings(process.env), ...settings });
  const { log } = await openLog(config, 'decklog-replay', { archive: archiveFolderOf(cluster, folders) });
  const { from, to, format, write } = options;
  const tally = emptyTally();
  const kept: Difference[] = [];
  const began = performance.now();
  let events = 0;
  let shown = 0;
  const onProgress = (time: number, read: number): void => {
    events = read;
    if (performance.now() - shown < PROGRESS_EVERY_MS) return;
    shown = performance.now();
    options.progress?.(`${read} events read, up to ${new Date(time).toISOString()}: ${tally.decided} decisions checked`);
  };
  try {
    const decided = recompute({
      log,
      controllers: everyControllerOf({ config, pki: pkiReader(config), tokenSigner: legacyTokenSigner }),
      definitions: DEFINITIONS,
      onProgress,
      ...(from === undefined ? {} : { since: from }),
      ...(to === undefined ? {} : { until: to }),
    });
    for await (const one of decided) {
      count(tally, one);
      if (one.same || one.uncheckable !== undefined) continue;
      const difference = differenceOf(one);
      if (format === 'text') write(`${differenceText(difference)}\n`);
      else if (kept.length < MOST_KEPT) kept.push(difference);
    }
  } catch (error) {
    throw new Failure(`the log can't be replayed: ${messageOf(error)}`, [], 1, { cause: error });
  } finally {
    await log.close();
    options.progress?.('');
  }
  const seconds = (performance.now() - began) / 1000;
  write(format === 'text' ? `${tallyText(tally, events, seconds)}\n` : document(tally, kept, events, seconds));
  return tally.different;
}
