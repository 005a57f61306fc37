import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Execution, State } from '../src/api';
import { tellLongRuns } from '../src/longRuns';
import { OPEN_RUN } from '../src/runCommands';
import type { RunsModel } from '../src/runs';
import type { SettingsModel } from '../src/settings';

let ended: Signal<object, Execution>;
let settings: { now: { longRun: number } };
let opened: unknown[];

beforeEach(() => {
  ended = new Signal<object, Execution>({});
  settings = { now: { longRun: 60 } };
  opened = [];
  const commands = new CommandRegistry();
  commands.addCommand(OPEN_RUN, { execute: ({ id }) => opened.push(id) });
  const [model, set] = [{ ended } as unknown as RunsModel, settings as unknown as SettingsModel];
  tellLongRuns(model, set, commands, nullTranslator.load('jupyter_datasphere'));
});

afterEach(() => Notification.dismiss());

function end(id: string, seconds: number, state: State = 'succeeded', code = 'train()'): void {
  const source = { type: 'code' as const, source: code };
  const times = { created_at: 0, started_at: 100, finished_at: 100 + seconds };
  ended.emit({ id, state, source, project_id: 'p', spec: 'c1.4', channel: 'state', ...times });
}

const told = () => Notification.manager.notifications;

test('the end of a long run is told once, with the way to its output', () => {
  end('short', 59);
  expect(told()).toEqual([]);
  end('long', 60);
  end('long', 60);
  expect(told().map(({ message }) => message)).toEqual(['DataSphere: succeeded · 1:00: train()']);
  void told()[0]?.options.actions?.[0]?.callback(new MouseEvent('click'));
  expect(opened).toEqual(['long']);
});

test.each([
  ['succeeded', 'success'],
  ['cancelled', 'warning'],
  ['failed', 'error'],
  ['lost', 'error'],
] as const)('one that %s is told as %s', (state, kind) => {
  end('a', 99, state);
  expect(told().map(({ type }) => type)).toEqual([kind]);
});

test('how long a run is a long one is set', () => {
  settings.now = { longRun: 0 };
  end('a', 0);
  expect(told()).toHaveLength(1);
});

test('a message is no longer than JupyterLab shows, and text', () => {
  end('a', 99, 'succeeded', `<img onerror=x>${'x'.repeat(500)}`);
  const [{ message } = { message: '' }] = told();
  expect(message.length).toBe(140);
  expect(message).toContain('<img onerror=x>xxx');
});
