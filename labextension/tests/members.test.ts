// @vitest-environment node
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import {
  lastAdmin,
  type Member,
  MembersChangedError,
  MembersModel,
  rolesOf,
  short,
  type Target,
} from '../src/members';
import type { News } from '../src/news';
import { json, Upstream } from './server';

const PROJECT: Target = { kind: 'project', id: 'p', name: 'one' };
const OTHER: Target = { kind: 'project', id: 'q', name: 'other' };

class Bus {
  readonly connection = new Signal<this, void>(this);
  readonly resources = new Signal<this, void>(this);
  readonly missed = new Signal<this, void>(this);
}

interface Binding {
  roleId: string;
  subject: { id: string; type: string };
}

/** Who has access to which project, in pages of two. */
let access: Record<string, Binding[]>;
let asked: string[];
let changes: unknown[];
let allowed: boolean;
let upstream: Upstream;
let bus: Bus;
let model: MembersModel;

beforeEach(async () => {
  access = { p: [binding('admin', 'ann'), binding('viewer', 'bob'), binding('editor', 'cid')], q: [] };
  [asked, changes, allowed] = [[], [], true];
  upstream = await Upstream.start((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const id = pathname.split('/').at(-1)?.split(':')[0] ?? '';
    asked.push(`${request.method} ${pathname}`);
    if (pathname.startsWith('/datasphere/operations/')) {
      json(response, { id: 'o', done: true });
    } else if (!allowed) {
      json(response, { code: 'permission-denied', title: 'Not for you.', status: 403 }, 403);
    } else if (request.method === 'PATCH') {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        changes.push(JSON.parse(text));
        json(response, { id: 'o', done: false });
      });
    } else {
      const from = Number(searchParams.get('pageToken') ?? 0);
      const all = access[id] ?? [];
      const more = from + 2 < all.length ? { nextPageToken: String(from + 2) } : {};
      json(response, { accessBindings: all.slice(from, from + 2), ...more });
    }
  });
  bus = new Bus();
  model = new MembersModel(bus as unknown as News);
});

afterEach(() => upstream.stop());

function binding(level: string, id: string): Binding {
  return { roleId: `datasphere.community-projects.${level}`, subject: { id, type: 'userAccount' } };
}

function member(level: string, subject: string): Member {
  return { role: `datasphere.community-projects.${level}`, subject, type: 'userAccount' };
}

const subjects = () => model.members?.map(({ subject }) => subject);

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);
}

test('members are asked for when somebody looks, all pages of them', async () => {
  model.show(PROJECT);
  bus.resources.emit();
  expect(asked).toEqual([]);
  model.look(true);
  await until(() => model.members !== null);
  expect(subjects()).toEqual(['ann', 'bob', 'cid']);
  expect(asked).toHaveLength(2);
  model.look(false);
  model.look(true);
  expect(asked).toHaveLength(2); // they are known
});

test('a change elsewhere is shown to who looks, and later to who does not', async () => {
  model.show(PROJECT);
  model.look(true);
  await until(() => model.members !== null);
  access.p = [binding('admin', 'ann')];
  bus.resources.emit();
  await until(() => subjects()?.length === 1);
  model.look(false);
  access.p = [];
  bus.missed.emit();
  expect(subjects()).toEqual(['ann']);
  model.look(true);
  await until(() => subjects()?.length === 0);
});

test('a refusal is told in place of the members, and tried again at the next look', async () => {
  allowed = false;
  model.show(PROJECT);
  model.look(true);
  await until(() => model.problem !== null);
  expect([model.problem?.title, model.members]).toEqual(['Not for you.', null]);
  allowed = true;
  model.look(true);
  await until(() => model.members !== null);
  expect(model.problem).toBeNull();
});

test('an answer about what is shown no more is not shown', async () => {
  model.look(true);
  model.show(PROJECT);
  model.show(OTHER);
  await until(() => model.members !== null);
  expect(subjects()).toEqual([]);
  expect(model.target).toBe(OTHER);
});

test('a difference is made in one call, where the members are those to which it was shown', async () => {
  const before = (access.p ?? []).map(({ roleId, subject }) => ({ role: roleId, subject: subject.id, type: subject.type }));
  const difference = { give: [member('editor', 'bob')], take: [member('viewer', 'bob')] };
  await model.change(PROJECT, before, difference);
  expect(changes).toEqual([
    {
      accessBindingDeltas: [
        { action: 'ADD', accessBinding: binding('editor', 'bob') },
        { action: 'REMOVE', accessBinding: binding('viewer', 'bob') },
      ],
    },
  ]);
  access.p = [binding('admin', 'eve')];
  model.show(PROJECT);
  await expect(model.change(PROJECT, before, difference)).rejects.toBeInstanceOf(MembersChangedError);
  expect(changes).toHaveLength(1);
  expect(subjects()).toEqual(['eve']); // what is shown is how it is
});

describe('the last admin', () => {
  const [ann, bob] = [member('admin', 'ann'), member('admin', 'bob')];
  test.each([
    ['is missed', [ann], { give: [], take: [ann] }, true],
    ['is missed though somebody stays', [ann, member('editor', 'cid')], { give: [], take: [ann] }, true],
    ['is not the last', [ann, bob], { give: [], take: [ann] }, false],
    ['is followed by another', [ann], { give: [bob], take: [ann] }, false],
    ['is not concerned', [member('viewer', 'cid')], { give: [], take: [member('viewer', 'cid')] }, false],
  ])('%s', (_, members, difference, missed) => {
    expect(lastAdmin(members, difference, 'project')).toBe(missed);
  });
});

test('a role is said in short where what has it says the rest', () => {
  expect(short('datasphere.community-projects.viewer', 'project')).toBe('viewer');
  expect(short('datasphere.communities.viewer', 'community')).toBe('viewer');
  expect(short('datasphere.community-projects.viewer', 'community')).toBe('datasphere.community-projects.viewer');
  expect(short('datasphere.community-projects.owner', 'project')).toBe('datasphere.community-projects.owner');
  expect(rolesOf('project')).toHaveLength(4);
  expect(rolesOf('community')).toHaveLength(8);
});
