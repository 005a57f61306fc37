import type { IMimeBundle, IOutput } from '@jupyterlab/nbformat';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';

import { type ExecutionEvent, type FailureEvent, FINAL_STATES, type OutputEvent, type StatusEvent } from './api';
import type { Displays } from './displays';
import { endingOf } from './words';

/** Characters of output that one run may show; a page that holds much more becomes slow. */
export const LIMIT = 10_000_000;

const JSON_TYPE = /^application\/(.*\+)?json$/;
const REPLACED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Puts the events of one run into the model of an output area, as JupyterLab does with those of a kernel: text of
 * one stream that comes in a row is joined, displays are changed by their ID, outputs are cleared.
 *
 * The cells of a notebook, where one runs, come below each other, each under its title; what one of them clears is
 * its own. Whether HTML and scripts in it are shown is the model's to say, which knows what is trusted.
 */
export class OutputFeed {
  constructor(
    private readonly _area: IOutputAreaModel,
    private readonly _displays: Displays,
    private readonly _executionId: string,
    private readonly _trans: TranslationBundle,
    private readonly _limit = LIMIT
  ) {
    this._left = _limit;
  }

  /** Take the next event. Text is shown a little later: each change of an output draws all of it anew. */
  take(event: ExecutionEvent): void {
    switch (event.type) {
      case 'output':
        this._output(event);
        break;
      case 'failure':
        this._failure(event);
        break;
      case 'notice':
        this._write('stderr', `${event.text}\n`);
        break;
      case 'cell':
        this._heading(event.index, event.total, event.title ?? '');
        break;
      case 'status':
        if (FINAL_STATES.has(event.state)) {
          this._end(event);
        }
        break;
      default:
        break;
    }
  }

  /** Show what waits for being shown. */
  flush(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const { _name: name, _text: text } = this;
    this._text = '';
    if (text !== '') {
      this._add({ output_type: 'stream', name, text });
    }
  }

  /** Nothing more comes. */
  dispose(): void {
    this.flush();
  }

  private _output({ message, content: whatever }: OutputEvent): void {
    const content = whatever as PartialJSONObject;
    switch (message) {
      case 'stream':
        this._stream(content.name === 'stderr' ? 'stderr' : 'stdout', textOf(content.text));
        break;
      case 'display_data':
      case 'execute_result':
      case 'update_display_data':
        this._rich(message, content);
        break;
      case 'clear_output':
        this._clear(Boolean(content.wait));
        break;
      case 'error':
        this._error(content);
        break;
    }
  }

  private _stream(name: string, text: string): void {
    if (this._left < 0) {
      return;
    }
    const shown = text.slice(0, this._left);
    this._write(name, shown);
    if (shown.length < text.length) {
      this._left = -1; // said once
      const message = this._trans.__(
        '[The output exceeds %1 MB, and the rest is not shown here. All of it is kept with execution %2: %ds_output %2 --file PATH writes it to a file.]',
        this._limit / 1e6,
        this._executionId
      );
      this._write('stderr', `\n${message}\n`);
    } else {
      this._left -= shown.length;
    }
  }

  private _rich(message: 'display_data' | 'execute_result' | 'update_display_data', content: PartialJSONObject): void {
    const data = bundleOf(content.data);
    const size = JSON.stringify(data).length;
    if (size > this._left) {
      this._tooLarge(data, size);
      return;
    }
    this._left -= size;
    const metadata = fieldsOf(content.metadata);
    const displayId = fieldsOf(content.transient).display_id;
    if (message === 'update_display_data') {
      this.flush();
      if (typeof displayId === 'string') {
        this._displays.update(displayId, { output_type: 'display_data', data, metadata });
      }
      return;
    }
    // A result has no number: nothing was counted in the kernel here.
    const number = message === 'execute_result' ? { execution_count: null } : {};
    const index = this._add({ output_type: message, data, metadata, ...number });
    if (typeof displayId === 'string' && index >= 0) {
      this._displays.add(displayId, this._area, index);
    }
  }

  private _tooLarge(data: IMimeBundle, size: number): void {
    if (this._left < 0) {
      return;
    }
    const message = this._trans.__(
      '[An output of %1 MB (%2) is not shown here. It is kept with execution %3.]',
      (size / 1e6).toFixed(1),
      Object.keys(data).join(', '),
      this._executionId
    );
    this._write('stderr', `${message}\n`);
  }

  private _clear(wait: boolean): void {
    this.flush();
    this._clearFirst = wait;
    if (!wait) {
      this._clearNow();
    }
  }

  private _clearNow(): void {
    this._clearFirst = false;
    if (this._area.isDisposed) {
      return;
    }
    if (this._base === 0) {
      this._area.clear();
    } else {
      // What earlier cells of the notebook have put out stays.
      this._area.fromJSON(this._area.toJSON().slice(0, this._base));
    }
  }

  private _failure({ ename, evalue, traceback }: FailureEvent): void {
    this._failed = true;
    this._error({ ename, evalue, traceback });
  }

  private _error(content: PartialJSONObject): void {
    const { traceback } = content;
    this._add({
      output_type: 'error',
      ename: textOf(content.ename),
      evalue: textOf(content.evalue),
      traceback: Array.isArray(traceback) ? traceback.map(textOf) : [],
    });
  }

  private _heading(index: number, total: number, title: string): void {
    this._clearFirst = false; // as the next cell of a notebook clears nothing of the one before
    const place = `[${index + 1}/${total}]`;
    this._add({
      output_type: 'display_data',
      data: {
        'text/plain': `${place} ${title}`.trimEnd(),
        'text/html': `<small>${place} <b>${escaped(title)}</b></small>`,
      },
      metadata: {},
    });
    this._base = this._area.isDisposed ? 0 : this._area.length;
  }

  /** What else than the code itself kept the run from succeeding belongs where its traceback would be. */
  private _end(event: StatusEvent): void {
    this.flush();
    if (event.state === 'succeeded' || (this._failed && event.problem === undefined)) {
      return;
    }
    const title = endingOf(event, this._executionId, this._trans);
    const hint = event.problem?.hint;
    this._add({
      output_type: 'error',
      ename: 'DataSphere',
      evalue: title,
      traceback: hint === undefined ? [title] : [title, hint],
    });
  }

  private _write(name: string, text: string): void {
    if (name !== this._name) {
      this.flush();
      this._name = name;
    }
    this._text += text;
    if (this._text !== '' && this._timer === undefined) {
      // The more there is, the longer it takes to draw.
      const patience = Math.min(20 + (this._limit - Math.max(this._left, 0)) / 20_000, 1_000);
      this._timer = setTimeout(() => this.flush(), patience);
    }
  }

  /** Add an output, and give its place; -1 where there is no place any more. */
  private _add(output: IOutput): number {
    if (output.output_type !== 'stream') {
      this.flush();
    }
    if (this._area.isDisposed) {
      return -1;
    }
    if (this._clearFirst) {
      this._clearNow();
    }
    return this._area.add(output) - 1;
  }

  private _left: number;
  private _name = 'stdout';
  private _text = '';
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _clearFirst = false;
  private _failed = false;
  /** So many outputs are of cells before, where a notebook runs. */
  private _base = 0;
}

/** The value where it is an object; an empty one else. */
function fieldsOf(value: PartialJSONValue | undefined): PartialJSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function textOf(value: PartialJSONValue | undefined): string {
  return typeof value === 'string' ? value : (value ?? null) === null ? '' : JSON.stringify(value);
}

/** Data by MIME type as nbformat has it: what is no text where text belongs becomes JSON text. */
function bundleOf(data: PartialJSONValue | undefined): IMimeBundle {
  const bundle: IMimeBundle = {};
  for (const [type, value] of Object.entries(fieldsOf(data))) {
    if (value !== undefined) {
      const keeps = typeof value === 'string' || JSON_TYPE.test(type);
      bundle[type] = keeps ? (value as IMimeBundle[string]) : JSON.stringify(value);
    }
  }
  return bundle;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => REPLACED[character] ?? character);
}
