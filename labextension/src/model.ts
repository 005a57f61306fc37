import type { IDisposable } from '@lumino/disposable';
import { Poll, Throttler } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import { FINAL_STATES, type Problem, type ServerStatus } from './api';
import type { News } from './news';
import { problemOf, RequestError } from './request';
import type { Health, IStatusModel, Snapshot } from './tokens';
import { VERSION } from './version';

/** Asks the server extension how things are; with `check`, it asks DataSphere in turn. */
export type AskStatus = (check: boolean) => Promise<ServerStatus>;

/** At most so often DataSphere is asked because runs have ended. */
const CALM_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

/**
 * What is known of the server extension. It is asked once, and again when the bus tells of a change; only
 * while it does not answer it is asked again and again. DataSphere itself is asked by `check` alone.
 */
export class StatusModel implements IStatusModel, IDisposable {
  constructor(ask: AskStatus, news: News) {
    this._ask = ask;
    this._poll = new Poll({
      auto: false,
      name: 'jupyter-datasphere:status',
      factory: () => this._look(),
      frequency: { interval: FIRST_RETRY_MS, backoff: true, max: LAST_RETRY_MS },
      standby: 'when-hidden',
    });
    this._poll.ticked.connect((poll, { phase }) => {
      if (phase === 'resolved') {
        void poll.stop(); // it polls until it is answered, and no longer
      }
    });
    void this._poll.start();
    const again = () => void this._poll.refresh();
    news.connection.connect(again);
    news.execution.connect((_, { state }) => {
      again();
      if (FINAL_STATES.has(state) && this._snapshot.checked !== null) {
        void this._afterRuns.invoke(); // the balance that is shown is another one now
      }
    });
    news.missed.connect(again);
    news.project.connect(() => {
      this._update({ checked: null }); // that was about another project
      again();
    });
  }

  get snapshot(): Snapshot {
    return this._snapshot;
  }

  get changed(): ISignal<this, Snapshot> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    this._afterRuns.dispose();
    Signal.clearData(this);
  }

  check(): Promise<void> {
    // Who asks while it is being asked waits for the same answer.
    this._checking ??= this._check().finally(() => {
      this._checking = null;
    });
    return this._checking;
  }

  private async _check(): Promise<void> {
    this._update({ checking: true });
    try {
      const status = await this._ask(true);
      this._failure = status.problem ?? null;
      this._update({ status, checked: status, checking: false, health: this._health(status, true) });
    } catch (error) {
      const health = faultOf(error);
      // What the server extension itself tells of, an unknown project say, stays until the next check.
      this._failure = health.kind === 'failed' ? health.problem : null;
      this._update({ checked: null, checking: false, health });
    }
    await this._poll.refresh(); // after a backoff: now is the time to look again
  }

  private async _look(): Promise<void> {
    try {
      const status = await this._ask(false);
      this._update({ status, health: this._health(status, this._snapshot.checked !== null) });
    } catch (error) {
      this._update({ health: faultOf(error) });
      throw error; // so that the poll backs off
    }
  }

  private _health(status: ServerStatus, checked: boolean): Health {
    if (status.version !== VERSION) {
      return { kind: 'other-version', version: status.version };
    }
    if (this._failure !== null) {
      return { kind: 'failed', problem: this._failure };
    }
    return { kind: checked ? 'ok' : 'unchecked' };
  }

  private _update(change: Partial<Snapshot>): void {
    this._snapshot = { ...this._snapshot, ...change };
    this._changed.emit(this._snapshot);
  }

  private readonly _ask: AskStatus;
  private readonly _afterRuns = new Throttler(() => this.check(), { limit: CALM_MS, edge: 'trailing' });
  private readonly _poll: Poll<void, unknown>;
  private readonly _changed = new Signal<this, Snapshot>(this);
  private _checking: Promise<void> | null = null;
  private _failure: Problem | null = null;
  private _snapshot: Snapshot = {
    health: { kind: 'starting' },
    status: null,
    checked: null,
    checking: false,
  };
}

/** What a failed request says of the server extension. */
function faultOf(error: unknown): Health {
  const reason = error instanceof RequestError ? error.reason : 'unreachable';
  switch (reason) {
    case 'missing':
      return { kind: 'missing' };
    case 'told':
      return { kind: 'failed', problem: problemOf(error) };
    case 'unreachable':
      return { kind: 'unreachable', problem: problemOf(error) };
  }
}
