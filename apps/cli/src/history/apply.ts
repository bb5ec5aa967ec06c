import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command } from 'commander';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#libs/apimachinery';
import type { TransactionOperation } from '#libs/history';

import { codeOf, Failure, messageOf } from '../failure.js';
import type { AddCommand } from '../options.js';
import { FIELD_MANAGER, transact } from './carry-out.js';
import { jsonText, printed, printOptions, yamlText, type PrintOptions } from './output.js';
import { resourceText, type ServedResource } from './resources.js';
import { namespaceOption, sessionOptions, withSession, type Session } from './session.js';
import { printable } from './text.js';

interface ApplyOptions extends PrintOptions {
  readonly atomic?: boolean;
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun?: boolean;
  readonly forceConflicts?: boolean;
}

/** A manifest and the file it comes from. */
interface Manifest {
  readonly file: string;
  readonly object: KubeObject;
}

const MANIFEST = /\.(ya?ml|json)$/;
/** In this order objects are applied: what others need first. All others follow in the order of the files. */
const FIRST = [
  'Namespace',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Role',
  'RoleBinding',
  'Service',
];

/** `decklog apply --atomic`: manifests as one transaction. */
export const addApply: AddCommand = (program) => {
  const command = program
    .command('apply')
    .description('apply manifests as one: all of them or none (server-side apply, as kubectl apply --server-side)')
    .option('--atomic', 'all or nothing; what this command is for, and always so')
    .requiredOption('-f, --filename <file...>', 'a file, a folder, or - for standard input')
    .option('-R, --recursive', 'the folders within folders too')
    .option('--dry-run', 'let the server try it, and write nothing')
    .option('--force-conflicts', 'take over fields that other managers own');
  printOptions(namespaceOption(sessionOptions(command)), [], ['wide']);
  command.action(async (options: ApplyOptions, self: Command) => {
    if (options.atomic !== true)
      throw new Failure(
        'say --atomic: that is what this command does',
        ['To apply objects one by one: `decklog kubectl -- apply -f ...`.'],
        2,
      );
    const manifests = await manifestsIn(options.filename, options.recursive === true);
    await withSession(self, (session) => applyAll(session, manifests, options));
  });
};

async function filesIn(name: string, recursive: boolean, within = false): Promise<readonly string[]> {
  if (name === '-') return ['-'];
  const found = await stat(name).catch((error: unknown) => {
    throw new Failure(codeOf(error) === 'ENOENT' ? `there is no ${name}` : `${name} can't be read: ${messageOf(error)}`, [], 2);
  });
  if (!found.isDirectory()) return [name];
  if (within && !recursive) return [];
  const names = (await readdir(name)).sort();
  const files = await Promise.all(
    names.map(async (one) => {
      const path = join(name, one);
      return (await stat(path)).isDirectory() ? filesIn(path, recursive, true) : MANIFEST.test(one) ? [path] : [];
    }),
  );
  return files.flat();
}

const isObject = (value: unknown): value is KubeObject & { readonly items?: readonly unknown[] } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function textOf(file: string): Promise<string> {
  if (file !== '-') return readFile(file, 'utf8');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The objects of a file: of several documents, and of lists. */
export function objectsIn(file: string, text: string): readonly KubeObject[] {
  return parseAllDocuments(text).flatMap((document, index): readonly KubeObject[] => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new Failure(`${file}: ${problem.message}`, [], 2);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) return [];
    const all = isObject(value) && value.kind.endsWith('List') && Array.isArray(value.items) ? value.items : [value];
    return all.map((one) => {
      if (isObject(one) && typeof one.kind === 'string' && typeof one.apiVersion === 'string' && isObject(one.metadata)) return one;
      throw new Failure(`${file}: document ${index + 1} is no object: it must have apiVersion, kind and metadata`, [], 2);
    });
  });
}

async function manifestsIn(names: readonly string[], recursive: boolean): Promise<readonly Manifest[]> {
  const files = (await Promise.all(names.map((name) => filesIn(name, recursive)))).flat();
  const manifests: Manifest[] = [];
  for (const file of files) for (const object of objectsIn(file, await textOf(file))) manifests.push({ file, object });
  if (manifests.length === 0) throw new Failure('no objects passed to apply', ['Manifests are files that end in .yaml, .yml or .json.'], 2);
  return manifests;
}

const rank = ({ object: { kind } }: Manifest): number => {
  const at = FIRST.indexOf(kind);
  return at < 0 ? FIRST.length : at;
};

/** Manifests in the order in which they are applied. */
export const ordered = (manifests: readonly Manifest[]): readonly Manifest[] =>
  manifests
    .map((manifest, index) => ({ manifest, index }))
    .sort((a, b) => rank(a.manifest) - rank(b.manifest) || a.index - b.index)
    .map(({ manifest }) => manifest);

function served(all: readonly ServedResource[], { file, object: { apiVersion, kind } }: Manifest): ServedResource {
  const found = all.find((one) => one.kind === kind && (one.group === '' ? one.version : `${one.group}/${one.version}`) === apiVersion);
  if (found !== undefined) return found;
  throw new Failure(`${file}: the server has no kind ${kind} in ${apiVersion}`, [
    'A CustomResourceDefinition and its objects can not be applied as one: apply the definition first.',
  ]);
}

async function applyAll(session: Session, manifests: readonly Manifest[], options: ApplyOptions): Promise<void> {
  const all = await session.resources();
  const operations = ordered(manifests).map((manifest): TransactionOperation & { readonly label: string } => {
    const { object } = manifest;
    const { namespaced, resource, group } = served(all, manifest);
    const { name = '', namespace = session.namespace } = object.metadata;
    const { apiVersion, kind } = object;
    return {
      verb: 'apply',
      apiVersion,
      kind,
      name,
      ...(namespaced ? { namespace } : {}),
      object,
      fieldManager: FIELD_MANAGER,
      ...(options.forceConflicts === true ? { force: true } : {}),
      label: `${resourceText({ group, resource: singularOf(all, resource, group) })}/${name}`,
    };
  });
  const asked = operations.map(({ label: _, ...operation }) => operation);
  const status = await transact(session, asked, options.dryRun === true);
  const labels = operations.map(({ label }) => label);
  await print(labels, status, options);
}

const singularOf = (all: readonly ServedResource[], resource: string, group: string): string =>
  all.find((one) => one.resource === resource && one.group === group)?.singular ?? resource;

async function print(labels: readonly string[], status: Awaited<ReturnType<typeof transact>>, options: ApplyOptions): Promise<void> {
  const { output, dryRun } = options;
  const results = status.results.map((result, index) => ({ ...result, label: labels[index] ?? '' }));
  await printed(options, async (paper) => {
    if (output === 'json' || output === 'yaml') {
      const list = { apiVersion: 'v1', kind: 'List', metadata: {}, items: results.map(({ object }) => object) };
      await paper.write(output === 'json' ? jsonText(list) : yamlText(list));
      return;
    }
    const told = ({ code, sequence }: (typeof results)[number]): string =>
      code === 201 ? 'created' : sequence === undefined && dryRun !== true ? 'unchanged' : 'serverside-applied';
    const suffix = dryRun === true ? ' (server dry run)' : '';
    for (const one of results)
      await paper.write(output === 'name' ? `${printable(one.label)}\n` : `${printable(one.label)} ${told(one)}${suffix}\n`);
    const root = status.root?.replace(/^state:/, '');
    if (output === undefined && root !== undefined)
      await paper.write(paper.paint('dim', `As one, ${root}: \`decklog undo --root ${root}\` takes it back.\n`));
  });
}
