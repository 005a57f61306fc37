import type { IOutput } from '@jupyterlab/nbformat';
import { OutputAreaModel } from '@jupyterlab/outputarea';
import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, expect, test, vi } from 'vitest';

import type { ExecutionEvent } from '../src/api';
import { Displays } from '../src/displays';
import { OutputFeed } from '../src/outputs';

const ID = '0123456789abcdef';
const trans = nullTranslator.load('');

let area: OutputAreaModel;
let displays: Displays;
let feed: OutputFeed;

beforeEach(() => {
  area = new OutputAreaModel({ trusted: false });
  displays = new Displays();
  feed = new OutputFeed(area, displays, ID, trans, 1_000);
});

type Message = Extract<ExecutionEvent, { type: 'output' }>['message'];

function output(message: Message, content: object): ExecutionEvent {
  return { type: 'output', message, content: content as Record<string, never> };
}

const text = (words: string, name = 'stdout') => output('stream', { name, text: words });
const display = (words: string, id?: string, message: Message = 'display_data') =>
  output(message, { data: { 'text/plain': words }, metadata: {}, transient: id ? { display_id: id } : {} });

function shown(...events: ExecutionEvent[]): IOutput[] {
  events.forEach(event => feed.take(event));
  feed.flush();
  return area.toJSON();
}

/** The texts of all outputs, whatever they are. */
function texts(outputs: IOutput[]): unknown[] {
  return outputs.map(one => one.text ?? (one.data as Record<string, unknown> | undefined)?.['text/plain']);
}

test('text of one stream in a row is one output, in the order of the streams', () => {
  expect(shown(text('a'), text('b\n'), text('c', 'stderr'), text('d'))).toEqual([
    { output_type: 'stream', name: 'stdout', text: 'ab\n' },
    { output_type: 'stream', name: 'stderr', text: 'c' },
    { output_type: 'stream', name: 'stdout', text: 'd' },
  ]);
});

test('text is shown in time, without another event', () => {
  vi.useFakeTimers();
  try {
    feed.take(text('soon'));
    vi.advanceTimersByTime(100);
    expect(texts(area.toJSON())).toEqual(['soon']);
  } finally {
    vi.useRealTimers();
  }
});

test('text that is overwritten, as of a progress bar, is', () => {
  expect(texts(shown(text('10%\r'), text('20%\rdone\n')))).toEqual(['done\n']);
});

test('displays, results and errors are outputs as nbformat has them', () => {
  const result = { data: { 'text/plain': '1', 'image/png': 'aGk=' }, metadata: { a: 1 }, execution_count: 7 };
  const error = { ename: 'ValueError', evalue: 'no', traceback: ['line'] };
  expect(shown(display('a'), output('execute_result', result), { type: 'failure', ...error })).toEqual([
    { output_type: 'display_data', data: { 'text/plain': 'a' }, metadata: {} },
    { output_type: 'execute_result', data: result.data, metadata: { a: 1 }, execution_count: null },
    { output_type: 'error', ...error },
  ]);
});

test('what is no text where text belongs becomes JSON text; JSON stays', () => {
  const data = { 'text/plain': { a: 1 }, 'application/vnd.x+json': { b: 2 }, 'application/json': [1] };
  expect(shown(output('display_data', { data }))[0]?.data).toEqual({
    'text/plain': '{"a":1}',
    'application/vnd.x+json': { b: 2 },
    'application/json': [1],
  });
});

test('content that is nothing like an output does no harm', () => {
  const odd = [{}, { data: null, metadata: 3, transient: 'x' }, { data: ['a'] }];
  const outputs = shown(
    ...odd.map(content => output('display_data', content)),
    output('error', { traceback: 'x' }),
    output('stream', { name: '__proto__', text: null }),
    output('update_display_data', { transient: { display_id: 4 } })
  );
  expect(outputs.map(({ output_type }) => output_type)).toEqual([
    'display_data',
    'display_data',
    'display_data',
    'error',
  ]);
});

test('a display is changed wherever it is shown under its ID, in other cells, too', () => {
  const other = new OutputAreaModel();
  const before = new OutputFeed(other, displays, ID, trans);
  before.take(display('old', 'd'));
  const outputs = shown(display('x'), display('old', 'd'), display('new', 'd', 'update_display_data'));
  expect(texts(outputs)).toEqual(['x', 'new']);
  expect(texts(other.toJSON())).toEqual(['new']);
  shown(display('newer', 'd', 'update_display_data'));
  expect([texts(area.toJSON()), texts(other.toJSON())]).toEqual([['x', 'newer'], ['newer']]);
});

test('a result that is changed stays a result', () => {
  const outputs = shown(display('1', 'r', 'execute_result'), display('2', 'r', 'update_display_data'));
  expect(outputs).toEqual([
    { output_type: 'execute_result', data: { 'text/plain': '2' }, metadata: {}, execution_count: null },
  ]);
});

test('a display that is gone is changed by nobody, and neither is what took its place', () => {
  shown(display('a', 'd'));
  area.clear();
  expect(texts(shown(display('b'), display('c', 'd', 'update_display_data')))).toEqual(['b']);
  const gone = new OutputAreaModel();
  new OutputFeed(gone, displays, ID, trans).take(display('x', 'e'));
  gone.dispose();
  shown(display('y', 'e', 'update_display_data'));
});

test('outputs are cleared at once, or by the next one', () => {
  expect(shown(text('a'), output('clear_output', { wait: false }))).toEqual([]);
  expect(texts(shown(text('b'), output('clear_output', { wait: true })))).toEqual(['b']);
  expect(texts(shown(text('c')))).toEqual(['c']);
  expect(texts(shown(text('d')))).toEqual(['cd']);
});

test('the cells of a notebook are below their titles, and clear their own outputs only', () => {
  const cell = (index: number, title: string): ExecutionEvent => ({ type: 'cell', index, total: 2, title });
  const outputs = shown(
    cell(0, 'first'),
    text('one'),
    cell(1, '<img src=x>'),
    text('two'),
    output('clear_output', { wait: false }),
    text('three'),
    output('clear_output', { wait: true }),
    text('four')
  );
  expect(texts(outputs)).toEqual(['[1/2] first', 'one', '[2/2] <img src=x>', 'four']);
  expect((outputs[2]?.data as Record<string, string>)['text/html']).toContain('&lt;img src=x&gt;');
});

test('a notice is told as text', () => {
  expect(shown({ type: 'notice', text: 'Mind this.' })).toEqual([
    { output_type: 'stream', name: 'stderr', text: 'Mind this.\n' },
  ]);
});

test('an end that no code has raised is told, with its remedy; another one is not told twice', () => {
  const problem = { code: 'no-units', title: 'No units are left.', hint: 'Buy some.' };
  const ended: ExecutionEvent = { type: 'status', state: 'failed', at: 1, problem };
  expect(shown(ended)).toEqual([
    {
      output_type: 'error',
      ename: 'DataSphere',
      evalue: `Execution ${ID}: No units are left.`,
      traceback: [`Execution ${ID}: No units are left.`, 'Buy some.'],
    },
  ]);
  area.clear();
  const cancelled: ExecutionEvent = { type: 'status', state: 'cancelled', at: 1 };
  expect(shown(cancelled)[0]?.evalue).toBe(`Execution ${ID} was cancelled.`);
  area.clear();
  const raised: ExecutionEvent = { type: 'failure', ename: 'E', evalue: 'e', traceback: [] };
  expect(shown(raised, { type: 'status', state: 'failed', at: 1 }).length).toBe(1);
  area.clear();
  expect(shown({ type: 'status', state: 'succeeded', at: 1 })).toEqual([]);
});

test('text above the limit is announced, once, and not shown', () => {
  const outputs = texts(shown(text('a'.repeat(900)), text('b'.repeat(900)), text('c')));
  expect(outputs[0]).toBe('a'.repeat(900) + 'b'.repeat(100));
  expect(outputs[1]).toMatch(/exceeds 0.001 MB.*%ds_output 0123456789abcdef/);
  expect(outputs.length).toBe(2);
});

test('an output above the limit is named, and what comes after it is shown', () => {
  const outputs = texts(shown(display('a'.repeat(2_000)), text('b')));
  expect(outputs).toEqual([expect.stringContaining('(text/plain) is not shown here'), 'b']);
});

test('an area that is gone takes nothing, and does no harm', () => {
  feed.take(text('a'));
  area.dispose();
  feed.take(display('b', 'd'));
  feed.take(output('clear_output', { wait: false }));
  feed.dispose();
});
