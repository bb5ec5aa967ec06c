import type { KubeObject } from '#libs/apimachinery';
import { differencesBetween } from '#libs/history';

import { diffText } from './diff.js';
import { PLAIN } from './text.js';

const map = (name: string, data: object, uid = 'u'): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'prod', uid }, data }) as KubeObject;
const moments = { from: '12', to: 'now' };

describe('a difference', () => {
  const before = [map('a', { x: '1', text: 'one\ntwo\nthree\nfour\n' }), map('gone', {}), map('again', {})];
  const after = [map('a', { x: '2', text: 'one\ntwo\n3\nfour\n', y: 'a: b' }), map('new', {}), map('again', {}, 'v')];
  const compared = { differences: differencesBetween(before, after), hidden: ['you may not list secrets in prod'] };

  it('is lines with signs, objects one after the other', () => {
    expect(diffText(compared, moments, undefined, { paint: PLAIN })).toBe(
      [
        '--- 12',
        '+++ now',
        '~ ConfigMap prod/a',
        '-   data.x: "1"',
        '+   data.x: "2"',
        '    data.text: |',
        '      one',
        '      two',
        '-     three',
        '+     3',
        '      four',
        '      ',
        '+   data.y: "a: b"',
        '~ ConfigMap prod/again (deleted, and created again)',
        '- ConfigMap prod/gone (deleted)',
        '+ ConfigMap prod/new (created)',
        '',
        '1 created, 1 deleted, 1 replaced, 1 changed',
        'Not compared: you may not list secrets in prod.',
        '',
      ].join('\n'),
    );
  });

  it('is nothing where there is none', () => {
    expect(diffText({ differences: [], hidden: [] }, moments, undefined, { paint: PLAIN })).toBe('');
  });

  it('is names, or an object', () => {
    expect(diffText(compared, moments, 'name', { paint: PLAIN }).split('\n')[0]).toBe('configmap/prod/a');
    expect(JSON.parse(diffText(compared, moments, 'json', { paint: PLAIN }))).toMatchObject({ kind: 'Difference', from: '12', to: 'now' });
  });
});
