import type { IDisposable } from '@lumino/disposable';
import type { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Execution, Problem, State } from './api';
import type { ExecutionNews, News } from './news';
import { problemOf, request } from './request';
import { retrying } from './retrying';
import { isRunning } from './tally';

/** So many runs are listed at first, and more each time that more are wanted. */
const PAGE = 100;

/**
 * The executions of this user, newest first, as the ledger has them: those of magics, widgets, buttons and
 * other tabs alike. Asked for once, then each again when it comes to another state; again and again only while
 * the server extension does not answer.
 */
export class RunsModel implements IDisposable {
  constructor(news: News) {
    this._poll = retrying('runs', () => this._newest());
    news.execution.connect((_, told) => void this._look(told));
    news.missed.connect(() => {
      if (this._listed) {
        void this.refresh();
      }
    });
  }

  /** Newest first. */
  get executions(): readonly Execution[] {
    return this._executions;
  }

  get running(): readonly Execution[] {
    return this._executions.filter(isRunning);
  }

  /** A run that is known, listed or not. */
  find(id: string): Execution | undefined {
    return this._executions.find(one => one.id === id) ?? this._others.get(id);
  }

  /** Why the list could not be had when it was last asked for. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Whether they were asked for, and there was an answer. */
  get listed(): boolean {
    return this._answered;
  }

  /** Whether there are older ones that are not listed. */
  get more(): boolean {
    return this._more;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** An execution has just ended, which was seen running here. */
  get ended(): ISignal<this, Execution> {
    return this._ended;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._poll.dispose();
    Signal.clearData(this);
  }

  /** List the newest. Never rejects: what went wrong is in `problem`, and is tried again. */
  async refresh(): Promise<void> {
    this._listed = true;
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  /** List older ones, too. */
  async older(): Promise<void> {
    const last = this._executions.at(-1);
    try {
      const query = last === undefined ? { limit: PAGE } : { limit: PAGE, before: last.created_at };
      const { executions } = await request('get', '/datasphere/executions', { query });
      this._more = executions.length === PAGE;
      const known = new Set(this._executions.map(({ id }) => id));
      this._executions = [...this._executions, ...executions.filter(({ id }) => !known.has(id))];
      this._problem = null;
    } catch (error) {
      this._problem = problemOf(error);
    }
    this._changed.emit();
  }

  /** One execution, listed or not. Rejects with a `RequestError`. */
  async get(id: string): Promise<Execution> {
    const execution = await request('get', '/datasphere/executions/{execution_id}', {
      path: { execution_id: id },
    });
    this._put(execution);
    this._note(execution);
    return execution;
  }

  /** Ask for the end of a run; its state tells when that has come. Rejects with a `RequestError`. */
  async cancel(id: string): Promise<void> {
    const path = { execution_id: id };
    const execution = await request('post', '/datasphere/executions/{execution_id}/cancel', { path });
    this._put(execution);
    this._note(execution);
  }

  /** A run was heard to be in this state by another way than the bus, which may have missed it. */
  noticed(id: string, state: State): void {
    const known = this.find(id);
    if (known !== undefined && known.state !== state) {
      void this._look({ execution_id: id, state });
    }
  }

  private async _newest(): Promise<void> {
    try {
      const { executions } = await request('get', '/datasphere/executions', { query: { limit: PAGE } });
      this._answered = true;
      this._problem = null;
      this._more = executions.length === PAGE;
      this._executions = executions;
      this._changed.emit();
      executions.forEach(one => this._note(one)); // some may have ended while nothing was heard
    } catch (error) {
      this._problem = problemOf(error);
      this._changed.emit();
      throw error; // so that the poll backs off
    }
  }

  private async _look({ execution_id, state }: Pick<ExecutionNews, 'execution_id' | 'state'>): Promise<void> {
    const before = this.find(execution_id);
    if (before !== undefined) {
      // At once, before the rest is known.
      this._put({ ...before, state });
    }
    try {
      await this.get(execution_id);
    } catch (error) {
      this._problem = problemOf(error);
      this._changed.emit();
    }
  }

  /** Whoever hears first of the end of a run, its end is told, once all is known of it. */
  private _note(execution: Execution): void {
    const { id } = execution;
    if (!isRunning(execution)) {
      if (this._unended.delete(id)) {
        this._ended.emit(execution);
      }
    } else if (isRunning(this.find(id) ?? execution)) {
      this._unended.add(id);
    }
  }

  private _put(execution: Execution): void {
    const before = this.find(execution.id);
    if (before !== undefined && !isRunning(before) && isRunning(execution)) {
      return; // an answer that was overtaken: an end is final
    }
    const place = this._executions.findIndex(({ id }) => id === execution.id);
    const last = this._executions.at(-1);
    if (place >= 0) {
      this._executions = this._executions.with(place, execution);
    } else if (this._more && last !== undefined && execution.created_at < last.created_at) {
      this._others.set(execution.id, execution); // between it and the last that is listed there are others
    } else {
      this._executions = [execution, ...this._executions].sort((a, b) => b.created_at - a.created_at);
    }
    this._changed.emit();
  }

  private readonly _poll: Poll<void, unknown>;
  private _executions: readonly Execution[] = [];
  /** Those that were seen running, and whose end is still to be told. */
  private readonly _unended = new Set<string>();
  private readonly _others = new Map<string, Execution>();
  private _problem: Problem | null = null;
  private _more = false;
  private _listed = false;
  private _answered = false;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _ended = new Signal<this, Execution>(this);
}
