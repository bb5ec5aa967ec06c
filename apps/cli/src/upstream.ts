import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { cacheFolder, fetchPackages } from './apt.js';
import { descriptionsIn, type Descriptions } from './descriptions.js';
import type { Say } from './terminal.js';

/** The release whose types this build knows (`tools/generate/roots.json`). */
const RELEASE = '1.36';
const PACKAGES = ['golang-k8s-api-dev', 'golang-k8s-apimachinery-dev'];
const SOURCES = 'usr/share/gocode/src/k8s.io';
const API = join(SOURCES, 'api');
const META = join(SOURCES, 'apimachinery/pkg/apis/meta/v1');
const DOCUMENTED = 'types_swagger_doc_generated.go';

/** Where what is read of upstream's Go packages stays. */
const folderOf = (): string => join(dirname(cacheFolder()), `upstream-${RELEASE}`);

/** The file of descriptions, where it has been fetched. */
export function descriptionsFile(): string | undefined {
  const file = join(folderOf(), 'descriptions.json');
  return existsSync(file) ? file : undefined;
}

/**
 * Reads upstream's fixtures (`testdata/`) and the sentences about its types (`descriptions.json`) out of Debian's packages
 * into the cache, unless they are there. Neither is part of this project: fixtures are for tests, sentences for `explain`.
 */
export async function upstreamFolder(say: Say): Promise<string> {
  const folder = folderOf();
  if (existsSync(folder)) return folder;
  const take = async (tree: string): Promise<boolean> => {
    if (!existsSync(join(tree, API, 'testdata/HEAD'))) return false;
    await mkdir(dirname(folder), { recursive: true });
    const fresh = await mkdtemp(`${folder}.`);
    try {
      await cp(join(tree, API, 'testdata'), join(fresh, 'testdata'), { recursive: true });
      await writeFile(join(fresh, 'descriptions.json'), JSON.stringify(await descriptionsOf(tree)));
      // Two may fetch at once: whoever is second finds the same.
      await rename(fresh, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
    return true;
  };
  await fetchPackages(PACKAGES, take, say);
  return folder;
}

async function descriptionsOf(tree: string): Promise<Descriptions> {
  const descriptions: Record<string, Descriptions[string]> = {};
  for (const group of await readdir(join(tree, API), { withFileTypes: true })) {
    if (!group.isDirectory()) continue;
    for (const version of await readdir(join(tree, API, group.name))) {
      const file = join(tree, API, group.name, version, DOCUMENTED);
      if (existsSync(file))
        Object.assign(descriptions, descriptionsIn(await readFile(file, 'utf8'), `io.k8s.api.${group.name}.${version}`));
    }
  }
  const meta = await readFile(join(tree, META, DOCUMENTED), 'utf8');
  return Object.assign(descriptions, descriptionsIn(meta, 'io.k8s.apimachinery.pkg.apis.meta.v1'));
}
