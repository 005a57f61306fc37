// @vitest-environment node
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { News } from '../src/news';
import { ResourcesModel } from '../src/resources';
import type { IStatusModel } from '../src/tokens';
import { json, Upstream } from './server';

class Bus {
  readonly connection = new Signal<this, void>(this);
  readonly resources = new Signal<this, void>(this);
  readonly missed = new Signal<this, void>(this);
}

type Project = { id: string; name: string };

/** The projects of each community, and the communities that may not be seen. */
let world: Record<string, Project[]>;
let forbidden: Set<string>;
let status: Record<string, unknown>;
let asked: string[];
let bodies: [string, unknown][];
let balance: string | undefined | null;
let upstream: Upstream;
let bus: Bus;
let model: ResourcesModel;

beforeEach(async () => {
  world = { a: [{ id: 'a1', name: 'one' }], b: [{ id: 'b1', name: 'two' }] };
  forbidden = new Set();
  status = { organization: 'o' };
  [asked, bodies, balance] = [[], [], '70'];
  upstream = await Upstream.start((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const call = `${request.method} ${pathname.replace('/datasphere/', '')}`;
    asked.push(call);
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      if (request.method !== 'GET') {
        bodies.push([call, text === '' ? null : JSON.parse(text)]);
        json(response, { id: 'x', done: false, metadata: { projectId: 'new' } });
      } else {
        answer(call, searchParams);
      }
    });
    const refuse = () => json(response, { code: 'permission-denied', title: 'No.', status: 403 }, 403);
    const answer = (call: string, query: URLSearchParams) => {
      if (call === 'GET api/v2/communities') {
        const [ids, from] = [Object.keys(world), Number(query.get('pageToken') ?? 0)];
        const more = from + 1 < ids.length ? { nextPageToken: String(from + 1) } : {};
        json(response, { communities: ids.slice(from, from + 1).map(id => ({ id, name: id })), ...more });
      } else if (call === 'GET api/v2/projects') {
        const id = query.get('communityId') ?? '';
        forbidden.has(id) ? refuse() : json(response, { projects: world[id] });
      } else if (call.startsWith('GET api/v2/communities/')) {
        json(response, { id: call.split('/').at(-1), name: 'named' });
      } else if (call === 'GET projects/find') {
        json(response, { id: query.get('project'), name: 'p', community_id: 'b' });
      } else if (call.endsWith(':unitBalance')) {
        balance === null ? refuse() : json(response, balance === undefined ? {} : { unitBalance: balance });
      } else if (call.startsWith('GET operations/')) {
        json(response, { id: 'x', done: true });
      } else {
        json(response, { id: 'a1', limits: { maxUnitsPerHour: '500' } });
      }
    };
  });
  bus = new Bus();
  const snapshot = { get status() { return status; } };
  model = new ResourcesModel({ snapshot } as unknown as IStatusModel, bus as unknown as News);
});

afterEach(async () => {
  model.dispose();
  await upstream.stop();
});

const listed = () => model.entries.map(({ community, projects }) => [community.id, projects?.map(({ id }) => id)]);

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);
}

test('they are listed when somebody looks, and again when somebody looks after a change', async () => {
  bus.resources.emit();
  expect(asked).toEqual([]);
  const looking = model.look();
  await until(() => !model.loading);
  expect(listed()).toEqual([['a', ['a1']], ['b', ['b1']]]);
  world.a?.push({ id: 'a2', name: 'another' });
  bus.resources.emit();
  await until(() => model.find('a2') !== undefined);
  looking.dispose();
  asked = [];
  bus.resources.emit();
  expect(asked).toEqual([]);
  delete world.b;
  model.look();
  await until(() => !model.loading);
  expect(listed()).toEqual([['a', ['a1', 'a2']]]);
});

test('a change while they are listed is not missed', async () => {
  const first = model.refresh();
  world.a = [];
  bus.resources.emit();
  void model.refresh();
  await first;
  expect(listed()).toEqual([['a', []], ['b', ['b1']]]);
  expect(asked.filter(call => call === 'GET api/v2/communities').length).toBe(4); // two pages, twice
});

test('a community that may not be seen hides no other, and what was known of it stays', async () => {
  await model.refresh();
  forbidden.add('a');
  await model.refresh();
  expect(listed()).toEqual([['a', ['a1']], ['b', ['b1']]]);
  expect(model.entries.map(({ problem }) => problem?.title)).toEqual(['No.', undefined]);
  expect(model.problem).toBeNull();
});

test.each([
  ['the community that is set', { community: 'c' }, ['c']],
  ['at least that of the project in force', { project: { id: 'p' } }, ['b']],
])('without an organization: %s', async (_, set, communities) => {
  status = set;
  await model.refresh();
  expect(model.entries.map(({ community }) => community.id)).toEqual(communities);
  expect(model.nowhere).toBe(false);
});

test('with none of them there is nowhere to look, and nobody is asked', async () => {
  status = {};
  await model.refresh();
  expect([model.nowhere, model.entries, asked]).toEqual([true, [], []]);
});

test('units: what is left and what may be spent; what may not be seen is missing, not without a limit', async () => {
  expect(await model.units('a1')).toEqual({ balance: '70', perHour: '500', perRun: null });
  balance = undefined;
  expect(await model.units('a1')).toEqual({ balance: null, perHour: '500', perRun: null });
  balance = null;
  expect(await model.units('a1')).toEqual({ perHour: '500', perRun: null });
});

test('of the units that alone is set which is another one', async () => {
  const before = { balance: '70', perHour: '500', perRun: null };
  await model.setUnits('a1', before, before);
  expect(bodies).toEqual([]);
  await model.setUnits('a1', before, { balance: '80', perHour: null, perRun: null });
  expect(bodies).toEqual([
    ['POST api/v2/projects/a1:unitBalance', { unitBalance: '80' }],
    ['PATCH api/v2/projects/a1', { updateMask: 'limits.maxUnitsPerHour', limits: {} }],
  ]);
});

test('changes are made, and a new project is known by its ID', async () => {
  expect(await model.createProject('a', 'new one', 'why')).toBe('new');
  await model.renameProject('a1', 'renamed');
  await model.deleteProject('a1');
  expect(bodies).toEqual([
    ['POST api/v2/projects', { communityId: 'a', name: 'new one', description: 'why' }],
    ['PATCH api/v2/projects/a1', { updateMask: 'name', name: 'renamed' }],
    ['DELETE api/v2/projects/a1', null],
  ]);
});
