import { Signal } from '@lumino/signaling';
import type { ServiceManager } from '@jupyterlab/services';
import { beforeEach, expect, test } from 'vitest';

import { News } from '../src/news';

const SCHEMAS = 'https://jupyter-datasphere/events/';

let stream: Signal<object, object>;
let failure: Signal<object, Error>;
let heard: unknown[];

beforeEach(() => {
  const services = {};
  stream = new Signal<object, object>(services);
  failure = new Signal<object, Error>(services);
  const manager = { events: { stream }, connectionFailure: failure };
  const news = new News(manager as unknown as ServiceManager.IManager);
  heard = [];
  news.execution.connect((_, told) => heard.push(['execution', told.execution_id, told.state]));
  news.connection.connect(() => heard.push('connection'));
  news.project.connect(() => heard.push('project'));
  news.resources.connect(() => heard.push('resources'));
  news.missed.connect(() => heard.push('missed'));
});

test('each kind of news goes to those who listen to it', () => {
  for (const kind of ['connection', 'project', 'resources']) {
    stream.emit({ schema_id: SCHEMAS + kind });
  }
  stream.emit({ schema_id: `${SCHEMAS}execution`, execution_id: 'a', state: 'running' });
  expect(heard).toEqual(['connection', 'project', 'resources', ['execution', 'a', 'running']]);
});

test('what others tell on the bus is theirs', () => {
  stream.emit({ schema_id: 'https://events.jupyter.org/jupyter_server/contents_service/v1', action: 'save' });
  stream.emit({ schema_id: `${SCHEMAS}something-new` });
  expect(heard).toEqual([]);
});

test('where the server was away, news may have been missed', () => {
  failure.emit(new Error('gone'));
  expect(heard).toEqual(['missed']);
});
