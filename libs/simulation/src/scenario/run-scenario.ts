import { DEFINITIONS } from '#libs/api';
import { recomputeAll, type Logger, type Recomputed } from '#libs/runtime';
import { SimulatedCluster } from '../simulated-cluster.js';
import { commandsOf, ScenarioError, type Command } from './command.js';
import { refusalOf, ScenarioCluster } from './scenario-cluster.js';
import { VERBS, type ScenarioState } from './verbs.js';

/** What a scenario came to. */
export interface ScenarioResult {
  /** The commands and what each printed: what a golden file holds. */
  readonly transcript: string;
  /** Every decision in the log, computed again. */
  readonly recomputed: readonly Recomputed[];
}

async function answer(state: ScenarioState, command: Command): Promise<string> {
  const verb = VERBS.get(command.words[0] ?? '');
  if (!verb) throw new ScenarioError(`unknown command: ${command.text}`);
  try {
    return await verb(state, command);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

const shown = ({ text, block }: Command): string => (block === '' ? `> ${text}` : `> ${text} <<\n${block}\n.`);

/**
 * Plays a scenario on a cluster of its own, from the first node to the last event. The same text and seed give the
 * same transcript. Throws ScenarioError where the text is wrong; what the cluster refuses is part of the transcript.
 */
export async function runScenario(source: string, seed = 1, logger?: Logger): Promise<ScenarioResult> {
  const cluster = await SimulatedCluster.start({ seed, ...(logger ? { logger } : {}) });
  try {
    const state: ScenarioState = { on: new ScenarioCluster(cluster), told: { ...cluster.view.position }, nodes: 0, prefixes: new Map() };
    const parts: string[] = [];
    for (const command of commandsOf(source)) {
      if (command.words.length === 0) parts.push(command.text);
      else {
        const printed = await answer(state, command);
        parts.push(shown(command), ...(printed === '' ? [] : [printed, '']));
      }
    }
    await cluster.settle();
    const recomputed = await recomputeAll(cluster.log, cluster.everyController, DEFINITIONS);
    return {
      transcript: `${parts
        .join('\n')
        .replace(/\n{3,}/g, '\n\n')
        .trimEnd()}\n`,
      recomputed,
    };
  } finally {
    await cluster.stop();
  }
}
