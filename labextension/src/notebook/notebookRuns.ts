import { type ICellModel, type ICodeCellModel, isCodeCellModel } from '@jupyterlab/cells';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';

import type { State } from '../api';
import { Displays } from '../displays';
import { requestOf, type RunOptions } from '../runOptions';
import { start } from '../starting';
import type { IRuns } from '../tokens';
import { CellRun } from './cellRun';
import { markOf, removeMark, setMark } from './marks';
import { planFor } from './source';

/** Ms between two savings of a notebook whose cells run. */
const SAVE_MS = 2_000;

/** What came of running several cells. */
export interface Ran {
  /** Why cells were left out, or why it stopped; each reason once. */
  readonly remarks: readonly string[];
  /** A cell did not succeed, or could not be run. */
  readonly stopped: boolean;
}

/** The runs in DataSphere of the cells of one notebook, in however many views it is shown. */
export class NotebookRuns {
  /** `saves`: whether the notebook is saved by itself, so that a run is found again after a reload. */
  constructor(
    private readonly _context: DocumentRegistry.IContext<INotebookModel>,
    private readonly _runs: IRuns,
    private readonly _saves: () => boolean,
    private readonly _trans: TranslationBundle
  ) {
    void this._context.ready.then(() => {
      if (!this._isDisposed) {
        this._context.model.cells.changed.connect(() => this._join());
        this._join();
      }
    });
    this._context.disposed.connect(() => this.dispose());
  }

  /** Which run is in which cell has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The run that the cell follows or has followed; undefined where its mark is all that is known. */
  of(model: ICellModel): CellRun | undefined {
    return this._cells.get(model);
  }

  /** Whether the cell waits for a run, here or over there, or follows one. */
  isBusy(model: ICellModel): boolean {
    return isCodeCellModel(model) && model.executionState === 'running';
  }

  /** Run cells one after the other, until one does not succeed. Rejects with a `RequestError`. */
  async run(models: readonly ICellModel[], session: string, options: RunOptions): Promise<Ran> {
    const waiting = models.filter(isCodeCellModel).filter(model => !this.isBusy(model));
    const remarks = new Set<string>();
    const ids = waiting.map(({ id }) => id);
    ids.forEach(id => this._waiting.add(id));
    waiting.forEach(model => (model.executionState = 'running'));
    try {
      for (const id of ids) {
        const model = this._find(id);
        if (model === undefined || !this._waiting.delete(id)) {
          continue; // it was removed, or is run here meanwhile
        }
        const plan = planFor(model.sharedModel.getSource(), this._trans);
        if (plan.kind !== 'run') {
          model.executionState = 'idle';
          remarks.add(plan.why);
          if (plan.kind === 'refuse') {
            return { remarks: [...remarks], stopped: true };
          }
          continue;
        }
        const state = await this._runOne(model, plan.code, session, options);
        if (state !== 'succeeded' && !mayFail(model)) {
          return { remarks: [...remarks], stopped: true };
        }
      }
      return { remarks: [...remarks], stopped: false };
    } finally {
      for (const id of ids) {
        const model = this._find(id);
        if (this._waiting.delete(id) && model !== undefined) {
          model.executionState = 'idle';
        }
      }
    }
  }

  /** The cell is about to be run here: from now on its outputs are those of the kernel. */
  release(model: ICellModel): void {
    this._waiting.delete(model.id);
    this.forget(model);
  }

  /** Remove the mark of a run; the outputs stay. */
  forget(model: ICellModel): void {
    this._cells.get(model)?.detach();
    this._cells.delete(model);
    removeMark(model);
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._saving);
    this._cells.forEach(run => run.dispose());
    this._cells.clear();
    Signal.clearData(this);
  }

  private async _runOne(
    model: ICodeCellModel,
    code: string,
    session: string,
    options: RunOptions
  ): Promise<State | null> {
    let id: string;
    try {
      const body = { source: { type: 'code' as const, source: code, session }, ...requestOf(options) };
      ({ id } = await start(body));
    } catch (error) {
      if (!model.isDisposed) {
        model.executionState = 'idle'; // and all else in the cell is as it was
      }
      throw error;
    }
    if (model.isDisposed || this._isDisposed) {
      return null; // the list of runs has it
    }
    // As JupyterLab does with a cell that is run here: who runs it trusts it.
    model.sharedModel.transact(() => model.clearExecution(), false);
    setMark(model, { execution: id });
    const cellId = model.id;
    let run = this._follow(model, id);
    this._save();
    let state = await run.done;
    for (let moved = this._runIn(cellId); state === null && moved !== undefined && moved !== run; ) {
      // The cell was moved, which makes another one of it: that has joined the run.
      run = moved;
      state = moved.executionId === id ? await moved.done : null;
      moved = this._runIn(cellId);
    }
    this._save();
    return state;
  }

  private _runIn(cellId: string): CellRun | undefined {
    const model = this._find(cellId);
    return model === undefined ? undefined : this._cells.get(model);
  }

  private _follow(model: ICodeCellModel, id: string): CellRun {
    this._cells.get(model)?.dispose();
    const run = new CellRun(model, id, this._runs, this._displays, this._trans);
    this._cells.set(model, run);
    run.changed.connect(() => this._changed.emit());
    this._changed.emit();
    return run;
  }

  /** Join the runs of cells that say so, and whose outputs are not all there: after a reload, or a move. */
  private _join(): void {
    for (const [model, run] of [...this._cells]) {
      if (model.isDisposed) {
        run.dispose();
        this._cells.delete(model);
      }
    }
    for (const model of this._context.model.cells) {
      const mark = isCodeCellModel(model) && !this._cells.has(model) ? markOf(model) : null;
      if (mark !== null && mark.state === undefined && isCodeCellModel(model)) {
        void this._follow(model, mark.execution).done.then(() => this._save());
      }
    }
    this._changed.emit();
  }

  private _find(id: string): ICodeCellModel | undefined {
    for (const model of this._isDisposed ? [] : this._context.model.cells) {
      if (model.id === id && isCodeCellModel(model)) {
        return model;
      }
    }
    return undefined;
  }

  /** Save now, or soon where that was done just before. */
  private _save(): void {
    if (this._saving !== undefined || this._isDisposed || !this._saves() || this._context.model.readOnly) {
      return;
    }
    const wait = Math.max(0, this._saved + SAVE_MS - Date.now());
    this._saving = setTimeout(() => {
      this._saving = undefined;
      this._saved = Date.now();
      // JupyterLab itself tells what goes wrong with that.
      void this._context.save().catch(() => undefined);
    }, wait);
  }

  private readonly _cells = new Map<ICellModel, CellRun>();
  private readonly _waiting = new Set<string>();
  private readonly _displays = new Displays();
  private readonly _changed = new Signal<this, void>(this);
  private _saving: ReturnType<typeof setTimeout> | undefined;
  private _saved = 0;
  private _isDisposed = false;
}

/** Whether the cell says, as nbclient reads it, that what comes after it goes on where it raises. */
function mayFail(model: ICellModel): boolean {
  const tags = model.getMetadata('tags') as unknown;
  return Array.isArray(tags) && tags.includes('raises-exception');
}
