import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type Execution, FINAL_STATES, type Problem } from './api';
import type { ExecutionNews, News } from './news';
import { problemOf, request } from './request';

/** So many runs are listed at first, and more each time that more are wanted. */
const PAGE = 100;

/**
 * The executions of this user, newest first, as the ledger has them: those of magics, widgets, buttons and
 * other tabs alike. Asked for once, then each again when it comes to another state.
 */
export class RunsModel implements IDisposable {
  constructor(news: News) {
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
    return this._executions.filter(({ state }) => !FINAL_STATES.has(state));
  }

  /** Why the list could not be had when it was last asked for. */
  get problem(): Problem | null {
    return this._problem;
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
    Signal.clearData(this);
  }

  /** List the newest. Never rejects: what went wrong is in `problem`. */
  async refresh(): Promise<void> {
    this._listed = true;
    await this._ask(async () => {
      const { executions } = await request('get', '/datasphere/executions', { query: { limit: PAGE } });
      this._more = executions.length === PAGE;
      this._executions = executions;
    });
  }

  /** List older ones, too. */
  async older(): Promise<void> {
    const last = this._executions.at(-1);
    await this._ask(async () => {
      const query = last === undefined ? { limit: PAGE } : { limit: PAGE, before: last.created_at };
      const { executions } = await request('get', '/datasphere/executions', { query });
      this._more = executions.length === PAGE;
      const known = new Set(this._executions.map(({ id }) => id));
      this._executions = [...this._executions, ...executions.filter(({ id }) => !known.has(id))];
    });
  }

  /** One execution, listed or not. Rejects with a `RequestError`. */
  async get(id: string): Promise<Execution> {
    const execution = await request('get', '/datasphere/executions/{execution_id}', {
      path: { execution_id: id },
    });
    this._put(execution);
    return execution;
  }

  /** Ask for the end of a run; its state tells when that has come. Rejects with a `RequestError`. */
  async cancel(id: string): Promise<void> {
    this._put(
      await request('post', '/datasphere/executions/{execution_id}/cancel', { path: { execution_id: id } })
    );
  }

  private async _look({ execution_id, state }: ExecutionNews): Promise<void> {
    const before = this._executions.find(({ id }) => id === execution_id);
    if (before !== undefined) {
      // At once, before the rest is known.
      this._put({ ...before, state });
    }
    try {
      const now = await this.get(execution_id);
      if (FINAL_STATES.has(now.state) && before !== undefined && !FINAL_STATES.has(before.state)) {
        this._ended.emit(now);
      }
    } catch (error) {
      this._problem = problemOf(error);
      this._changed.emit();
    }
  }

  private async _ask(question: () => Promise<void>): Promise<void> {
    try {
      await question();
      this._problem = null;
    } catch (error) {
      this._problem = problemOf(error);
    }
    this._changed.emit();
  }

  private _put(execution: Execution): void {
    const place = this._executions.findIndex(({ id }) => id === execution.id);
    if (place >= 0) {
      this._executions = this._executions.with(place, execution);
    } else {
      this._executions = [execution, ...this._executions].sort((a, b) => b.created_at - a.created_at);
    }
    this._changed.emit();
  }

  private _executions: readonly Execution[] = [];
  private _problem: Problem | null = null;
  private _more = false;
  private _listed = false;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _ended = new Signal<this, Execution>(this);
}
