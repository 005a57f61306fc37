// @vitest-environment node
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { ExecutionEvent, Problem } from '../src/api';
import { type Follower, Following } from '../src/following';
import { json, stream, Upstream } from './server';

const A = 'aaaaaaaaaaaaaaaa';
const B = 'bbbbbbbbbbbbbbbb';

/** The streams that were asked for, the newest last. */
let asked: { executions: string; response: ServerResponse }[];
let answer: (executions: string, response: ServerResponse) => void;
let upstream: Upstream;
let following: Following;

beforeEach(async () => {
  asked = [];
  answer = (_, response) => stream(response);
  following = new Following();
  upstream = await Upstream.start(({ url }, response) => {
    const executions = new URL(url ?? '', 'http://localhost').searchParams.get('executions') ?? '';
    asked.push({ executions, response });
    answer(executions, response);
  });
});

afterEach(async () => {
  following.dispose();
  await upstream.stop();
});

class Listener implements Follower {
  readonly numbers: number[] = [];
  readonly endings: (Problem | null)[] = [];

  heard({ number }: { number: number }): void {
    this.numbers.push(number);
  }

  ended(problem: Problem | null): void {
    this.endings.push(problem);
  }
}

const running: ExecutionEvent = { type: 'status', state: 'running', at: 1 };
const succeeded: ExecutionEvent = { type: 'status', state: 'succeeded', at: 2 };

function send(response: ServerResponse, execution: string, number: number, event = running): void {
  response.write(`data: ${JSON.stringify({ execution, number, event })}\n\n`);
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);
}

function last(): ServerResponse {
  const newest = asked.at(-1);
  if (newest === undefined) {
    throw new Error('Nothing was asked.');
  }
  return newest.response;
}

test('several runs share one stream', async () => {
  const [first, second] = [new Listener(), new Listener()];
  following.follow(A, first);
  following.follow(B, second, 7);
  await until(() => asked.length > 0);
  expect(asked.map(({ executions }) => executions)).toEqual([`${A}:0,${B}:7`]);
  send(last(), A, 1);
  send(last(), B, 8);
  send(last(), A, 2, succeeded);
  await until(() => first.endings.length > 0 && second.numbers.length > 0);
  expect([first.numbers, first.endings]).toEqual([[1, 2], [null]]);
  expect([second.numbers, second.endings]).toEqual([[8], []]);
});

test('a frame may come in pieces, and a letter, too', async () => {
  const heard: string[] = [];
  following.follow(A, {
    heard: ({ event }) => heard.push(event.type === 'notice' ? event.text : ''),
    ended: () => undefined,
  });
  await until(() => asked.length > 0);
  const frame = Buffer.from(
    `: still there\n\ndata: ${JSON.stringify({ execution: A, number: 1, event: { type: 'notice', text: 'ж' } })}\n\n`
  );
  const middle = frame.indexOf(Buffer.from('ж')) + 1;
  last().write(frame.subarray(0, middle));
  await new Promise(resolve => setImmediate(resolve));
  last().write(frame.subarray(middle));
  await until(() => heard.length > 0);
  expect(heard).toEqual(['ж']);
});

test('who comes later hears all, and those before hear nothing twice', async () => {
  const [first, second] = [new Listener(), new Listener()];
  following.follow(A, first);
  await until(() => asked.length === 1);
  send(last(), A, 1);
  send(last(), A, 2);
  await until(() => first.numbers.length === 2);
  following.follow(A, second);
  await until(() => asked.length === 2);
  expect(asked.at(-1)?.executions).toBe(`${A}:0`);
  for (const number of [1, 2, 3]) {
    send(last(), A, number);
  }
  await until(() => second.numbers.length === 3 && first.numbers.length === 3);
  expect([first.numbers, second.numbers]).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test('who comes in the middle of a page lacks nothing of it', async () => {
  const late = new Listener();
  let joined = false;
  following.follow(A, {
    heard: ({ number }) => {
      if (number === 2 && !joined) {
        joined = true;
        following.follow(A, late);
      }
    },
    ended: () => undefined,
  });
  await until(() => asked.length === 1);
  const page = [1, 2, 3].map(
    number => `data: ${JSON.stringify({ execution: A, number, event: running })}\n\n`
  );
  last().write(page.join(''));
  await until(() => asked.length === 2);
  expect(asked.at(-1)?.executions).toBe(`${A}:0`);
  last().write(page.join(''));
  await until(() => late.numbers.length === 3);
  expect(late.numbers).toEqual([1, 2, 3]);
});

test('a stream that breaks is opened again where it was', async () => {
  const listener = new Listener();
  const away: boolean[] = [];
  following.awayChanged.connect((_, now) => away.push(now));
  following.follow(A, listener);
  await until(() => asked.length === 1);
  send(last(), A, 1);
  await until(() => listener.numbers.length === 1);
  answer = (_, response) => response.destroy(); // the server is away
  last().destroy();
  await until(() => asked.length === 2);
  answer = (_, response) => stream(response);
  await until(() => asked.length === 3);
  expect(asked.at(-1)?.executions).toBe(`${A}:1`);
  send(last(), A, 2, succeeded);
  await until(() => listener.endings.length === 1);
  expect([listener.numbers, away]).toEqual([[1, 2], [true, false]]);
});

test('a run that is not known ends, and no other with it', async () => {
  const [unknown, known] = [new Listener(), new Listener()];
  following.follow(A, unknown);
  following.follow(B, known);
  await until(() => asked.length === 1);
  const problem = { code: 'no-such-execution', title: 'There is none.', status: 404 };
  last().write(`event: problem\ndata: ${JSON.stringify({ execution: A, problem })}\n\n`);
  send(last(), B, 1);
  await until(() => known.numbers.length === 1);
  expect([unknown.endings, known.endings]).toEqual([[problem], []]);
});

test('a refusal is told; a server that is in trouble is asked again', async () => {
  const listener = new Listener();
  answer = (_, response) => json(response, { code: 'disk-full', title: 'Full.', status: 503 }, 503);
  following.follow(A, listener);
  await until(() => asked.length === 1);
  const problem = { code: 'usage', title: 'No.', status: 400 };
  answer = (_, response) => json(response, problem, 400);
  await until(() => listener.endings.length === 1);
  expect([listener.endings, asked.length]).toEqual([[problem], 2]);
});

test('nothing is open once nobody follows', async () => {
  const stop = following.follow(A, new Listener());
  await until(() => asked.length === 1);
  const closed = new Promise(resolve => last().once('close', resolve));
  stop();
  await closed;
  expect(asked.length).toBe(1);
});

test('of more runs than one stream takes, the others come when those have ended', async () => {
  const listeners = new Map<string, Listener>();
  for (let n = 0; n < 101; n++) {
    const id = n.toString(16).padStart(16, '0');
    listeners.set(id, new Listener());
    following.follow(id, listeners.get(id) ?? new Listener());
  }
  const ids = [...listeners.keys()];
  await until(() => asked.length === 1);
  expect(asked[0]?.executions.split(',').length).toBe(100);
  for (const id of ids.slice(0, 100)) {
    send(last(), id, 1, succeeded);
  }
  last().end();
  await until(() => asked.length === 2);
  expect(asked[1]?.executions).toBe(`${ids[100]}:0`);
});
