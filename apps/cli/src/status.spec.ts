import { assignPorts, componentsOf, heldPorts, possibleComponents, validProfile } from './cluster.js';
import { portsOfBlock } from './addresses.js';
import { stateOf } from './status.js';
import type { ComponentStatus } from './status.js';

const component = (state: 'Running' | 'Stopped'): ComponentStatus => ({ name: 'nats', pid: 1, state });

describe('the state of a cluster', () => {
  it.each([
    ['Running', ['Running', 'Running']],
    ['Degraded', ['Running', 'Stopped']],
    ['Stopped', ['Stopped', 'Stopped']],
  ] as const)('is %s when its processes are %p', (expected, states) => {
    expect(stateOf(states.map(component))).toBe(expected);
  });
});

describe('the processes of a cluster', () => {
  it('are its own servers, one control plane and a node each', () => {
    expect(componentsOf({ layout: 'standalone', nodes: 2 })).toEqual(['nats', 'postgres', 'control-plane', 'node-1', 'node-2']);
  });

  it('leave out servers that are someone else’s', () => {
    expect(componentsOf({ layout: 'standalone', nodes: 1, natsUrl: 'nats://x', postgresUrl: 'postgres://x' })).toEqual([
      'control-plane',
      'node-1',
    ]);
  });

  it('of any layout are among those that a stop looks for', () => {
    const possible = new Set(possibleComponents(3));
    for (const layout of ['standalone', 'apart', 'ha'] as const)
      expect(componentsOf({ layout, nodes: 3 }).filter((name) => !possible.has(name))).toEqual([]);
  });
});

it.each([false, true])('every port of a cluster is its own (several of everything: %s)', (several) => {
  const held = heldPorts(assignPorts(portsOfBlock(0), 6443, several));
  expect(held).not.toContain(0);
  expect(new Set(held).size).toBe(held.length);
});

it.each([
  ['decklog', true],
  ['a', true],
  ['two-2', true],
  ['', false],
  ['Upper', false],
  ['-x', false],
  ['x-', false],
  ['../etc', false],
  ['.failed', false],
  ['x'.repeat(51), false],
])('%p as a profile’s name: %s', (name, valid) => {
  expect(validProfile(name)).toBe(valid);
});
