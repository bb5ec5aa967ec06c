#!/usr/bin/env node
// Reads upstream's Go type definitions (Debian's golang-k8s-api-dev and golang-k8s-apimachinery-dev of the
// newest suite) and writes the facts Decklog needs - JSON names, types, enumerations, defaults, unions, list types and
// keys, merge keys, protobuf field numbers - to libs/api/src/generated/facts.json. No sentence of upstream is taken over.
//
//   node tools/generate/extract.mjs [DIR]    DIR: a folder that holds usr/share/gocode/src (unpacked packages)
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const { roots, release } = JSON.parse(readFileSync(path.join(here, 'roots.json'), 'utf8'));
const out = path.join(here, '../../libs/api/src/generated/facts.json');

/** Downloads the two packages from the machine's own Debian mirror, newest suite, without touching the system. */
function fetchPackages() {
  const dir = mkdtempSync(path.join(tmpdir(), 'decklog-generate-'));
  mkdirSync(path.join(dir, 'lists/partial'), { recursive: true });
  const site = execFileSync('apt-get', ['indextargets', '--format', '$(SITE)'], { encoding: 'utf8' }).split('\n')[0];
  writeFileSync(path.join(dir, 'sources.list'), `deb ${site} forky main\n`);
  const options = [
    '-o',
    `Dir::Etc::SourceList=${dir}/sources.list`,
    '-o',
    'Dir::Etc::SourceParts=/dev/null',
    '-o',
    `Dir::State::Lists=${dir}/lists`,
  ];
  execFileSync('apt-get', [...options, 'update', '-qq'], { stdio: 'inherit' });
  execFileSync('apt-get', [...options, 'download', '-qq', 'golang-k8s-api-dev', 'golang-k8s-apimachinery-dev'], {
    cwd: dir,
    stdio: 'inherit',
  });
  for (const deb of readdirSync(dir).filter((name) => name.endsWith('.deb'))) execFileSync('dpkg', ['-x', deb, 'x'], { cwd: dir });
  return path.join(dir, 'x');
}

const base = process.argv[2] ?? fetchPackages();
const src = path.join(base, 'usr/share/gocode/src');
const packageDir = (pkg) => (pkg === 'meta/v1' ? 'k8s.io/apimachinery/pkg/apis/meta/v1' : `k8s.io/api/${pkg}`);
const modelName = (pkg, name) =>
  pkg === 'meta/v1' ? `io.k8s.apimachinery.pkg.apis.meta.v1.${name}` : `io.k8s.api.${pkg.replace('/', '.')}.${name}`;

const SCALARS = {
  string: 'string',
  bool: 'bool',
  int: 'int64',
  int32: 'int32',
  int64: 'int64',
  float64: 'double',
  byte: 'byte',
  uint8: 'byte',
  'types.UID': 'string',
  'types.NodeName': 'string',
  'types.NamespacedName': 'string',
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'intOrString',
  'runtime.RawExtension': 'any',
  'runtime.Object': 'any',
  'interface{}': 'any',
};
const META_SCALARS = { Time: 'time', MicroTime: 'microTime', Duration: 'duration', FieldsV1: 'any', Verbs: '[]string' };

const packages = new Map();
/** Every type of a Go package: name -> { struct: lines } or { alias: go type }. */
function load(pkg) {
  if (packages.has(pkg)) return packages.get(pkg);
  const dir = path.join(src, packageDir(pkg));
  if (!existsSync(dir)) throw new Error(`no package ${pkg} under ${src}`);
  const types = new Map();
  const imports = new Map();
  /** Typed string constants: name -> { type, value }. */
  const constants = new Map();
  for (const file of readdirSync(dir).filter((f) => f.endsWith('.go') && !f.endsWith('_test.go') && !/^(zz_|generated)/.test(f))) {
    const lines = readFileSync(path.join(dir, file), 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .split('\n');
    let comment = [];
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      const imported = /^\s*(?:import )?(\w+)?\s*"k8s\.io\/(api|apimachinery\/pkg\/apis)\/([a-z]+\/v\d\w*)"$/.exec(line);
      if (imported) imports.set(imported[1] ?? imported[3].split('/')[1], imported[3]);
      if (/^\s*\/\//.test(line)) {
        comment.push(line.trim());
        continue;
      }
      const struct = /^type (\w+) struct \{$/.exec(line);
      const alias = /^type (\w+)\s+=?\s*([\w.[\]*]+)$/.exec(line);
      if (struct) {
        const end = lines.findIndex((l, at) => at > i && l === '}');
        types.set(struct[1], { body: lines.slice(i + 1, end), markers: comment });
        i = end;
      } else if (alias) types.set(alias[1], { alias: alias[2], markers: comment });
      const constant = /^\s*(?:const )?(\w+)\s+([A-Z]\w*)\s*=\s*"([^"]*)"/.exec(line);
      if (constant) constants.set(constant[1], { type: constant[2], value: constant[3] });
      comment = [];
    }
  }
  const loaded = { pkg, types, imports, constants };
  packages.set(pkg, loaded);
  return loaded;
}

const facts = {};
/** Structs that server-side apply treats as one value. */
const atomic = [];
/** Structs of which one member counts: which member says so, and the others' Go names. */
const unions = {};
/** A Go type expression as a type string: `string`, `[]#model`, `map:quantity`, ... */
function typeOf(go, from) {
  if (go.startsWith('*')) return typeOf(go.slice(1), from);
  if (go === '[]byte') return 'bytes';
  if (go.startsWith('[]')) return `[]${typeOf(go.slice(2), from)}`;
  const map = /^map\[[\w.]+\](.+)$/.exec(go);
  if (map) return `map:${typeOf(map[1], from)}`;
  if (SCALARS[go]) return SCALARS[go];
  const [, alias, name] = /^(?:(\w+)\.)?(\w+)$/.exec(go) ?? [];
  if (!name) throw new Error(`cannot read the type ${go} in ${from.pkg}`);
  const pkg = alias ? (from.imports.get(alias) ?? (alias === 'metav1' ? 'meta/v1' : undefined)) : from.pkg;
  if (!pkg) throw new Error(`unknown import ${alias} in ${from.pkg} (${go})`);
  if (pkg === 'meta/v1' && META_SCALARS[name]) return META_SCALARS[name];
  const target = load(pkg);
  const found = target.types.get(name);
  if (!found) throw new Error(`no type ${name} in ${pkg}`);
  if (found.alias) return typeOf(found.alias, target);
  collect(pkg, name);
  return `#${modelName(pkg, name)}`;
}

/** The values of a field's innermost type where upstream calls it an enumeration, sorted as in its documents. */
function enumOf(go, from) {
  const inner = go.replace(/^(?:\*|\[\]|map\[[\w.]+\])+/, '');
  const [, alias, name] = /^(?:(\w+)\.)?([A-Z]\w*)$/.exec(inner) ?? [];
  if (!name || SCALARS[inner]) return undefined;
  const pkg = alias ? (from.imports.get(alias) ?? (alias === 'metav1' ? 'meta/v1' : undefined)) : from.pkg;
  if (!pkg) return undefined;
  const { types, constants } = load(pkg);
  if (!types.get(name)?.markers?.some((line) => /^\/\/\s*\+enum$/.test(line))) return undefined;
  const values = [...constants.values()].filter(({ type }) => type === name).map(({ value }) => value);
  return [...new Set(values)].sort();
}

/** A default as its marker gives it: JSON, or the name of a constant. */
function defaultOf(text, from) {
  const name = /^ref\((\w+)\)$/.exec(text)?.[1];
  if (name === undefined) return JSON.parse(text);
  const constant = from.constants.get(name);
  if (!constant) throw new Error(`no constant ${name} in ${from.pkg}`);
  return constant.value;
}

function collect(pkg, name) {
  const id = modelName(pkg, name);
  if (facts[id]) return;
  const from = load(pkg);
  const found = from.types.get(name);
  if (!found?.body) throw new Error(`no struct ${name} in ${pkg}`);
  const fields = {};
  facts[id] = fields;
  if (found.markers.some((line) => /^\/\/\s*\+structType=atomic$/.test(line))) atomic.push(id);
  const union = found.markers.some((line) => /^\/\/\s*\+union$/.test(line)) ? (unions[id] = { fields: {} }) : undefined;
  let markers = [];
  for (const raw of found.body) {
    const line = raw.trim();
    if (line.startsWith('//')) {
      const m = /^\/\/\s*\+(\w+)(?:=(.*))?$/.exec(line);
      if (m) markers.push([m[1], m[2] ?? '']);
      continue;
    }
    if (line === '') {
      continue;
    }
    const m = /^(?:(\w+)\s+)?([\w.*[\]{}]+)\s+`(.*)`/.exec(line);
    if (!m) throw new Error(`cannot read ${id}: ${line}`);
    const [, member, go, tag] = m;
    const tags = Object.fromEntries([...tag.matchAll(/(\w+):"([^"]*)"/g)].map((t) => [t[1], t[2]]));
    const [json, ...flags] = (tags.json ?? '').split(',');
    const number = Number(/^\w+,(\d+)/.exec(tags.protobuf ?? '')?.[1] ?? 0);
    if (json === '' && flags.includes('inline')) inline(fields, go, from, number);
    else if (json !== '-' && json !== '') fields[json] = fieldOf(go, from, flags, tags, markers, number);
    if (union && markers.some(([key]) => key === 'unionDiscriminator')) union.discriminator = json;
    else if (union && markers.some(([key]) => key === 'optional')) union.fields[json] = member;
    markers = [];
  }
}

function inline(fields, go, from, number) {
  if (go === 'metav1.TypeMeta' || go === 'TypeMeta') {
    fields.apiVersion = { type: 'string', omit: true, optional: true };
    fields.kind = { type: 'string', omit: true, optional: true };
    return;
  }
  const ref = typeOf(go, from).slice(1);
  for (const [name, fact] of Object.entries(facts[ref])) fields[name] = { ...fact, via: `${number}:${ref}` };
}

function fieldOf(go, from, flags, tags, markers, number) {
  const marker = (name) => markers.find(([key]) => key === name)?.[1];
  const keys = markers.filter(([key]) => key === 'listMapKey').map(([, value]) => value);
  const omit = flags.includes('omitempty');
  const values = enumOf(go, from);
  return {
    type: typeOf(go, from),
    ...(values ? { enum: values } : {}),
    ...(marker('default') === undefined ? {} : { default: defaultOf(marker('default'), from) }),
    ...(go.startsWith('*') ? { pointer: true } : {}),
    ...(omit ? { omit: true } : {}),
    ...(flags.includes('omitzero') ? { omitZero: true } : {}),
    ...(omit || marker('optional') !== undefined ? { optional: true } : {}),
    ...(marker('listType') ? { listType: marker('listType') } : {}),
    ...(keys.length ? { listMapKeys: keys } : {}),
    ...(marker('mapType') ? { mapType: marker('mapType') } : {}),
    ...(marker('structType') ? { mapType: marker('structType') } : {}),
    ...(tags.patchStrategy ? { patchStrategy: tags.patchStrategy } : {}),
    ...(tags.patchMergeKey ? { patchMergeKey: tags.patchMergeKey } : {}),
    ...(number ? { proto: number } : {}),
  };
}

for (const [pkg, names] of Object.entries(roots)) for (const name of names) collect(pkg, name);
const sorted = Object.fromEntries(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)));
const rows = Object.entries(sorted).map(([id, fields]) => {
  const lines = Object.entries(fields).map(([name, fact]) => `    ${JSON.stringify(name)}: ${JSON.stringify(fact)}`);
  return `  ${JSON.stringify(id)}: {${lines.length ? `\n${lines.join(',\n')}\n  ` : ''}}`;
});
mkdirSync(path.dirname(out), { recursive: true });
writeFileSync(
  out,
  `{\n  "release": ${JSON.stringify(release)},\n  "atomic": ${JSON.stringify(atomic.sort(), undefined, 4).replace(/\n\]$/, '\n  ]')},\n  "unions": ${JSON.stringify(unions)},\n  "types": {\n${rows.join(',\n')}\n  }\n}\n`,
);
console.log(`${rows.length} types written to ${path.relative(process.cwd(), out)}`);
