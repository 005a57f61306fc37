// @vitest-environment node
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Execution, State } from '../src/api';
import type { ExecutionNews, News } from '../src/news';
import { RunsModel } from '../src/runs';
import { json, Upstream } from './server';

class Bus {
  readonly execution = new Signal<this, ExecutionNews>(this);
  readonly connection = new Signal<this, void>(this);
  readonly missed = new Signal<this, void>(this);

  tell(id: string, state: State): void {
    this.execution.emit({ execution_id: id, state, project_id: 'p', created_at: 1 });
  }
}

/** What the ledger has. */
let ledger: Map<string, Execution>;
let asked: string[];
let away: boolean;
let upstream: Upstream;
let bus: Bus;
let runs: RunsModel;

beforeEach(async () => {
  ledger = new Map();
  asked = [];
  away = false;
  upstream = await Upstream.start(({ method, url }, response) => {
    const { pathname, searchParams } = new URL(url ?? '', 'http://localhost');
    asked.push(`${method} ${pathname}${searchParams.size > 0 ? `?${searchParams}` : ''}`);
    if (away) {
      response.destroy();
      return;
    }
    const id = pathname.split('/')[3];
    if (id === undefined) {
      const before = Number(searchParams.get('before') ?? Infinity);
      const newest = [...ledger.values()].sort((a, b) => b.created_at - a.created_at);
      const page = newest.filter(({ created_at }) => created_at < before).slice(0, 100);
      json(response, { executions: page });
      return;
    }
    const found = ledger.get(id);
    json(response, found ?? { code: 'no-such-execution', title: 'None.', status: 404 }, found ? 200 : 404);
  });
  bus = new Bus();
  runs = new RunsModel(bus as unknown as News);
});

afterEach(async () => {
  runs.dispose();
  await upstream.stop();
});

function put(id: string, state: State, created_at: number): Execution {
  const source = { type: 'code' as const, source: '1' };
  const run = { id, state, created_at, source, project_id: 'p', spec: 'c1.4', channel: 'state' };
  ledger.set(id, run);
  return run;
}

const ids = () => runs.executions.map(({ id }) => id);

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 5 }).toBe(true);
}

test('nothing is asked until somebody wants to know or something happens', async () => {
  await new Promise(resolve => setImmediate(resolve));
  expect(asked).toEqual([]);
  expect(runs.listed).toBe(false);
});

test('they are listed newest first, a page at a time', async () => {
  for (let n = 0; n < 150; n++) {
    put(`r${n}`, 'succeeded', n);
  }
  await runs.refresh();
  await until(() => runs.listed);
  expect([ids()[0], ids().at(-1), ids().length, runs.more]).toEqual(['r149', 'r50', 100, true]);
  await runs.older();
  expect([ids().at(-1), ids().length, runs.more]).toEqual(['r0', 150, false]);
});

test('one that is looked at by its ID hides none of those before it', async () => {
  for (let n = 0; n < 150; n++) {
    put(`r${n}`, 'succeeded', n);
  }
  await runs.refresh();
  await until(() => runs.listed);
  await runs.get('r3');
  expect(runs.find('r3')?.id).toBe('r3');
  await runs.older();
  expect([ids().at(-1), ids().length]).toEqual(['r0', 150]);
});

test('a new state is there at once, and the rest once it was asked for', async () => {
  put('a', 'running', 1);
  await runs.refresh();
  await until(() => runs.listed);
  const ended: string[] = [];
  runs.ended.connect((_, { id }) => ended.push(id));
  ledger.set('a', { ...put('a', 'succeeded', 1), units: 4 });
  bus.tell('a', 'succeeded');
  expect(runs.find('a')?.state).toBe('succeeded');
  expect(runs.running).toEqual([]);
  await until(() => runs.find('a')?.units === 4);
  expect(ended).toEqual(['a']);
});

test('the end of a run is told once, though another hears of it before the bus does', async () => {
  put('a', 'running', 1);
  await runs.refresh();
  await until(() => runs.listed);
  const ended: string[] = [];
  runs.ended.connect((_, { id }) => ended.push(id));
  put('a', 'succeeded', 1);
  await runs.get('a'); // as the cell does whose run it is
  expect(ended).toEqual(['a']);
  bus.tell('a', 'succeeded');
  await until(() => asked.filter(one => one.includes('/executions/a')).length === 2);
  await runs.refresh();
  expect(ended).toEqual(['a']);
});

test('a run that is begun elsewhere comes to the list', async () => {
  put('a', 'succeeded', 1);
  await runs.refresh();
  await until(() => runs.listed);
  put('b', 'running', 2);
  bus.tell('b', 'running');
  await until(() => ids().length === 2);
  expect(ids()).toEqual(['b', 'a']);
  expect(runs.running.map(({ id }) => id)).toEqual(['b']);
});

test('an answer that was overtaken does not bring a run back to life', async () => {
  const late = put('a', 'running', 1);
  await runs.refresh();
  await until(() => runs.listed);
  bus.tell('a', 'succeeded'); // the ledger here still answers "running"
  expect((await runs.get('a')).state).toBe(late.state);
  expect(runs.find('a')?.state).toBe('succeeded');
});

test('a server that is away is told, asked again, and then asked no more', async () => {
  away = true;
  await runs.refresh();
  await until(() => runs.problem !== null);
  expect([runs.problem?.code, runs.listed]).toEqual(['unreachable', false]);
  away = false;
  put('a', 'succeeded', 1);
  await until(() => runs.listed);
  expect([runs.problem, ids()]).toEqual([null, ['a']]);
});

test('what ended while nothing was heard is told', async () => {
  put('a', 'running', 1);
  await runs.refresh();
  await until(() => runs.listed);
  const ended: string[] = [];
  runs.ended.connect((_, { id }) => ended.push(id));
  put('a', 'failed', 1);
  bus.missed.emit();
  await until(() => ended.length === 1);
  expect(runs.find('a')?.state).toBe('failed');
});

test('news missed before anybody asked are nobody’s', async () => {
  bus.missed.emit();
  await new Promise(resolve => setImmediate(resolve));
  expect(asked).toEqual([]);
});
