import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, test } from 'vitest';

import type { Execution, State } from '../src/api';
import { secondsOf, tallyOf, unitsOf } from '../src/tally';

const trans = nullTranslator.load('jupyter_datasphere');

function run(state: State, more: Partial<Execution> = {}): Execution {
  const source = { type: 'code' as const, source: '1' };
  return { id: 'a', state, created_at: 100, source, project_id: 'p', spec: 'c1.4', channel: 'state', ...more };
}

describe('how long a run takes', () => {
  test.each([
    ['since it was asked for, before it begins', run('queued'), 107, 7],
    ['since it has begun', run('running', { started_at: 105 }), 107, 2],
    ['as long as it took', run('succeeded', { started_at: 105, finished_at: 106 }), 999, 1],
    ['never less than nothing, whatever the clocks say', run('running', { started_at: 105 }), 90, 0],
  ])('%s', (_, execution, now, seconds) => {
    expect(secondsOf(execution, now)).toBe(seconds);
  });
});

describe('what it costs', () => {
  test.each([
    ['is not known before it begins', run('queued'), null],
    ['is counted by the second that has begun', run('running', { started_at: 105 }), 4 * 3],
    ['is a second’s at least', run('running', { started_at: 107.4 }), 4],
    ['is what the server says, once it does', run('running', { started_at: 105, units: 8 }), 8],
    ['is not known of a configuration without a price', run('running', { started_at: 105, spec: 'x' }), null],
    ['is not guessed of one that has ended', run('succeeded', { started_at: 105, finished_at: 106 }), null],
  ])('%s', (_, execution, units) => {
    expect(unitsOf(execution, 107.4)).toBe(units);
  });
});

test('it is said in one line, as far as it is known', () => {
  expect(tallyOf(run('queued'), 107, trans)).toBe('queued · 0:07');
  expect(tallyOf(run('running', { started_at: 105 }), 107, trans)).toBe('running · 0:02 · ~8 units');
  const ended = run('failed', { started_at: 105, finished_at: 3_905, units: 1 });
  expect(tallyOf(ended, 9_999, trans)).toBe('failed · 1:03:20 · 1 unit');
});
