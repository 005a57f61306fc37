import type { ICodeCellModel } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import { PromiseDelegate } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

import { FINAL_STATES, type Problem, type State } from '../api';
import type { Displays } from '../displays';
import type { Follower, Heard } from '../following';
import { OutputFeed } from '../outputs';
import type { IRuns } from '../tokens';
import { projectOf } from '../words';
import { removeMark, setMark } from './marks';

/**
 * One run whose outputs go into one cell, as if it had run here. It begins with none of them, whether the run has
 * just been started or is joined again, and takes them all from the ledger.
 */
export class CellRun implements Follower {
  constructor(
    readonly model: ICodeCellModel,
    readonly executionId: string,
    private readonly _runs: IRuns,
    displays: Displays,
    trans: TranslationBundle
  ) {
    this._feed = new OutputFeed(model.outputs, displays, executionId, trans);
    model.executionCount = null;
    model.executionState = 'running';
    this._stop = this._runs.following.follow(executionId, this);
    // What is shown of it beside its outputs. Whether it is known at all is told by its events.
    void this._runs.model.get(executionId).catch(() => undefined);
  }

  /** How the run has ended; null where the cell has let go of it before. */
  get done(): Promise<State | null> {
    return this._done.promise;
  }

  /** Whether the cell follows the run. */
  get isOn(): boolean {
    return this._isOn;
  }

  /** Why its events cannot be had. */
  get problem(): Problem | null {
    return this._problem;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  heard({ event }: Heard): void {
    if (!this._isOn) {
      return;
    }
    if (!this._begun) {
      // Not before: should nothing come, what the file has of it stays.
      this._begun = true;
      if (!this.model.isDisposed) {
        this.model.outputs.clear();
      }
    }
    this._feed.take(event);
    if (event.type !== 'status') {
      return;
    }
    this._runs.model.noticed(this.executionId, event.state);
    if (FINAL_STATES.has(event.state)) {
      this._feed.flush();
      this._release();
      void this._finish(event.state);
    }
    this._changed.emit();
  }

  ended(problem: Problem | null): void {
    if (problem !== null && this._isOn) {
      this._problem = problem;
      this._release();
      this._changed.emit();
      this._done.resolve(null);
    }
  }

  /** Let go of the run, which goes on over there: the cell is used for something else. */
  detach(): void {
    if (this._isOn) {
      this._release();
      this._changed.emit();
      this._done.resolve(null);
    }
    this._letGo = true;
    if (!this.model.isDisposed) {
      removeMark(this.model);
    }
  }

  dispose(): void {
    this._release();
    this._done.resolve(null);
    Signal.clearData(this);
  }

  private async _finish(state: State): Promise<void> {
    try {
      const execution = await this._runs.model.get(this.executionId);
      if (!this.model.isDisposed && !this._letGo) {
        setMark(this.model, {
          execution: this.executionId,
          project: projectOf(execution),
          state,
          ...(execution.units === undefined ? {} : { units: execution.units }),
        });
      }
    } catch {
      // The mark stays as it was, and the run is joined again when the notebook is opened again.
    }
    this._changed.emit();
    this._done.resolve(state);
  }

  /** The cell is free again. */
  private _release(): void {
    this._isOn = false;
    this._stop();
    this._feed.dispose();
    if (!this.model.isDisposed) {
      this.model.executionState = 'idle';
    }
  }

  private readonly _feed: OutputFeed;
  private readonly _stop: () => void;
  private readonly _done = new PromiseDelegate<State | null>();
  private readonly _changed = new Signal<this, void>(this);
  private _isOn = true;
  /** The cell is no longer the run's, whatever is still heard of it. */
  private _letGo = false;
  private _begun = false;
  private _problem: Problem | null = null;
}
