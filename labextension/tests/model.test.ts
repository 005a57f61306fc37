// @vitest-environment node
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ServerStatus, State } from '../src/api';
import { StatusModel } from '../src/model';
import type { ExecutionNews, News } from '../src/news';
import { RequestError } from '../src/request';
import { VERSION } from '../src/version';

class Bus {
  readonly execution = new Signal<this, ExecutionNews>(this);
  readonly connection = new Signal<this, void>(this);
  readonly project = new Signal<this, void>(this);
  readonly missed = new Signal<this, void>(this);

  tell(state: State): void {
    this.execution.emit({ execution_id: 'a', state, project_id: 'p', created_at: 1 });
  }
}

/** How the world is: what the server extension answers, and whether it does. */
let server: 'here' | 'away' | 'without extension';
let service: 'here' | 'away';
let version: string;
/** Each question, with the second when it was asked. */
let asked: string[];
let viewer: { isVisible: boolean };
let bus: Bus;
let model: StatusModel;

const AWAY = { code: 'unavailable', title: 'Nobody answers.' };

function answer(check: boolean): Promise<ServerStatus> {
  asked.push(check ? 'check' : 'look');
  if (server !== 'here') {
    const reason = server === 'away' ? 'unreachable' : 'missing';
    return Promise.reject(new RequestError(reason, { code: reason, title: reason }));
  }
  const status: ServerStatus = { version, endpoint: 'http://e', connection: 'ok', running: 0 };
  return Promise.resolve(check && service === 'away' ? { ...status, connection: 'failed', problem: AWAY } : status);
}

const health = () => model.snapshot.health.kind;
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

beforeEach(async () => {
  vi.useFakeTimers();
  [server, service, version] = ['here', 'here', VERSION];
  asked = [];
  viewer = { isVisible: true };
  bus = new Bus();
  model = new StatusModel(answer, bus as unknown as News);
  model.shownBy(viewer);
  await seconds(0);
});

afterEach(() => {
  model.dispose();
  vi.useRealTimers();
});

test('the server extension is asked once, and DataSphere not at all', async () => {
  await seconds(600);
  expect([asked, health()]).toEqual([['look'], 'unchecked']);
});

test('a check asks DataSphere once, whoever else wants to know meanwhile', async () => {
  await Promise.all([model.check(), model.check()]);
  await seconds(600);
  expect([asked, health()]).toEqual([['look', 'check'], 'ok']);
  expect(model.snapshot.checking).toBe(false);
});

test('news ask the server extension, and not DataSphere', async () => {
  bus.connection.emit();
  await seconds(1);
  bus.tell('succeeded'); // of which nobody has asked the balance
  await seconds(1);
  bus.missed.emit();
  await seconds(600);
  expect(asked).toEqual(['look', 'look', 'look', 'look']);
});

test('after a run the balance is asked for anew, where it was before, and not for each of many', async () => {
  await model.check();
  asked = [];
  for (let run = 0; run < 50; run++) {
    bus.tell('running');
    bus.tell('succeeded');
    await seconds(0.1);
  }
  await seconds(600);
  const checks = asked.filter(question => question === 'check').length;
  expect(checks).toBeGreaterThan(0);
  expect(checks).toBeLessThan(4);
});

test('a service that is away is asked again, ever later, and no more once it is back', async () => {
  service = 'away';
  await model.check();
  expect(health()).toBe('failed');
  asked = [];
  await seconds(3);
  expect(asked).toEqual(['check']);
  await seconds(597);
  expect(asked.length).toBeGreaterThan(9); // each minute at least
  expect(asked.length).toBeLessThan(60);
  expect(new Set(asked)).toEqual(new Set(['check']));
  service = 'here';
  await seconds(60);
  expect(health()).toBe('ok');
  asked = [];
  await seconds(600);
  expect(asked).toEqual([]);
});

test('while nobody sees it, it is not asked again', async () => {
  service = 'away';
  await model.check();
  asked = [];
  viewer.isVisible = false;
  await seconds(600);
  expect(asked).toEqual([]);
  viewer.isVisible = true;
  service = 'here';
  await seconds(2);
  expect([asked, health()]).toEqual([['check'], 'ok']);
});

test('who wants it asked even unseen has it asked', async () => {
  service = 'away';
  viewer.isVisible = false;
  const restless = new StatusModel(answer, bus as unknown as News, () => false);
  await restless.check();
  asked = [];
  await seconds(3);
  expect(asked).toEqual(['check']);
  restless.dispose();
});

test('news in a time of trouble do not make many questions of it', async () => {
  service = 'away';
  await model.check();
  asked = [];
  for (let news = 0; news < 100; news++) {
    bus.tell('running');
    await seconds(0.01);
  }
  expect(asked.filter(question => question === 'check').length).toBeLessThan(3);
  expect(health()).toBe('failed'); // what was seen last of the service
  service = 'here';
  bus.connection.emit(); // somebody else was answered
  await seconds(3);
  expect(health()).toBe('ok');
});

test.each([['away', 'unreachable'] as const, ['without extension', 'missing'] as const])(
  'a server %s is asked again until it answers',
  async (how, seen) => {
    server = how;
    await model.check();
    expect(health()).toBe(seen);
    await seconds(600);
    server = 'here';
    await seconds(60);
    expect(health()).toBe('unchecked');
    asked = [];
    await seconds(600);
    expect(asked).toEqual([]);
  }
);

test('what was known before the server went away is not said of the one that comes back', async () => {
  await model.check();
  server = 'away';
  bus.missed.emit();
  await seconds(1);
  expect([health(), model.snapshot.checked]).toEqual(['unreachable', null]);
  server = 'here';
  await seconds(60);
  expect(health()).toBe('unchecked');
});

test('a server extension of another version is told as such, and not asked again', async () => {
  version = '0.0.9';
  await model.check();
  expect(model.snapshot.health).toEqual({ kind: 'other-version', version: '0.0.9' });
  asked = [];
  await seconds(600);
  expect(asked).toEqual([]);
});

test('what was known of a project is not said of another', async () => {
  await model.check();
  expect(model.snapshot.checked).not.toBeNull();
  bus.project.emit();
  await seconds(1);
  expect([model.snapshot.checked, health()]).toEqual([null, 'unchecked']);
});
