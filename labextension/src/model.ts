import type { IDisposable } from '@lumino/disposable';
import { type Poll, Throttler } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import { FINAL_STATES, type Problem, type ServerStatus } from './api';
import type { News } from './news';
import { problemOf, RequestError } from './request';
import { FIRST_RETRY_MS, retrying } from './retrying';
import type { Health, IStatusModel, Snapshot, Viewer } from './tokens';
import { VERSION } from './version';

/** Asks the server extension how things are; with `check`, it asks DataSphere in turn. */
export type AskStatus = (check: boolean) => Promise<ServerStatus>;

/** At most so often DataSphere is asked because runs have ended. */
const CALM_MS = 5_000;

/**
 * What is known of the server extension. It is asked once, and again when the bus tells of a change. DataSphere
 * itself is asked by `check` alone. Only while one of them cannot be used it is asked again and again: the server
 * extension where that is at fault, DataSphere where somebody can see what becomes of it, or wants to know it nevertheless.
 */
export class StatusModel implements IStatusModel, IDisposable {
  /** `restsWhenHidden`: whether what nobody can see is a reason to ask nothing. */
  constructor(ask: AskStatus, news: News, restsWhenHidden: () => boolean = () => true) {
    this._ask = ask;
    this._poll = retrying(
      'status',
      ({ phase }) => this._retry(phase === 'started' || phase === 'refreshed'),
      () => {
        if (!restsWhenHidden()) {
          return 'never';
        }
        const unseen = !this._viewers.some(({ isVisible }) => isVisible);
        return this._failure !== null && unseen ? true : 'when-hidden';
      }
    );
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

  shownBy(viewer: Viewer): void {
    this._viewers.push(viewer);
  }

  async check(): Promise<void> {
    await this._checkOnce();
    // Whatever was planned before: this is what is known now.
    await (this._inTrouble
      ? this._poll.schedule({ phase: 'rejected', interval: FIRST_RETRY_MS })
      : this._poll.stop());
  }

  /** Who asks while it is being asked waits for the same answer. */
  private _checkOnce(): Promise<void> {
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
  }

  private async _look(): Promise<void> {
    try {
      const status = await this._ask(false);
      this._update({ status, health: this._health(status, this._snapshot.checked !== null) });
    } catch (error) {
      this._update({ health: faultOf(error), checked: null }); // whatever comes back may know something else
    }
  }

  /** Rejects where that was in vain, and is tried again. `look`: whatever is wrong, DataSphere is not asked now. */
  private async _retry(look: boolean): Promise<void> {
    await (look || this._failure === null ? this._look() : this._checkOnce());
    if (this._inTrouble) {
      throw new Error(this._snapshot.health.kind);
    }
  }

  private get _inTrouble(): boolean {
    return ['missing', 'unreachable', 'failed'].includes(this._snapshot.health.kind);
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
  private readonly _viewers: Viewer[] = [];
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
