import { CodeCellModel } from '@jupyterlab/cells';
import { nullTranslator } from '@jupyterlab/translation';
import { PromiseDelegate } from '@lumino/coreutils';
import { beforeEach, expect, test } from 'vitest';

import type { Execution, State } from '../src/api';
import { Displays } from '../src/displays';
import type { Follower } from '../src/following';
import { CellRun } from '../src/notebook/cellRun';
import { markOf, setMark } from '../src/notebook/marks';
import type { IRuns } from '../src/tokens';

const ID = '0123456789abcdef';

let model: CodeCellModel;
let answers: PromiseDelegate<Execution>[];
let follower: Follower;
let run: CellRun;

beforeEach(() => {
  model = new CodeCellModel();
  setMark(model, { execution: ID });
  answers = [];
  const get = () => {
    answers.push(new PromiseDelegate<Execution>());
    return answers.at(-1)?.promise;
  };
  const follow = (_: string, one: Follower) => {
    follower = one;
    return () => undefined;
  };
  const runs = { model: { get, noticed: () => undefined }, following: { follow } };
  run = new CellRun(model, ID, runs as unknown as IRuns, new Displays(), nullTranslator.load(''));
});

function hear(number: number, state: State): void {
  follower.heard({ execution: ID, number, event: { type: 'status', state, at: 1 } });
}

function answer(state: State): void {
  const source = { type: 'code' as const, source: '1' };
  const found = { id: ID, state, created_at: 1, source, project_id: 'p', spec: 'c1.4', channel: 'state', units: 4 };
  answers.forEach(one => one.resolve(found));
}

test('the cell says how its run has ended, once that is known', async () => {
  expect(model.executionState).toBe('running');
  hear(1, 'running');
  hear(2, 'succeeded');
  expect(model.executionState).toBe('idle');
  expect(markOf(model)).toEqual({ execution: ID });
  answer('succeeded');
  expect(await run.done).toBe('succeeded');
  expect(markOf(model)).toEqual({ execution: ID, project: 'p', state: 'succeeded', units: 4 });
});

test('a cell that is used for something else just then says nothing of it', async () => {
  hear(1, 'succeeded');
  run.detach(); // it is run here, before the answer about the run has come
  answer('succeeded');
  await run.done;
  expect(markOf(model)).toBeNull();
});

test('what the file has of the outputs stays where their events cannot be had', async () => {
  model.outputs.add({ output_type: 'stream', name: 'stdout', text: 'kept' });
  follower.ended({ code: 'no-such-execution', title: 'None.' });
  expect(await run.done).toBeNull();
  expect(run.problem?.title).toBe('None.');
  expect(model.outputs.length).toBe(1);
  expect(model.executionState).toBe('idle');
});
