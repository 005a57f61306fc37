import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { PanelLayout } from '@lumino/widgets';

import { CellBadge } from '../components/cellBadge';
import type { IRuns } from '../tokens';
import { markOf } from './marks';
import type { NotebookRuns } from './notebookRuns';

const OUTPUT = 'jp-Cell-outputWrapper';

/** The badges in one view of a notebook: each cell that says that it ran in DataSphere has one. */
export class Badges {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _notebook: NotebookRuns,
    private readonly _runs: IRuns,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    const look = () => this._look();
    this._notebook.changed.connect(look);
    this._panel.disposed.connect(() => this._notebook.changed.disconnect(look));
    look();
  }

  private _look(): void {
    for (const cell of [...this._badges.keys()]) {
      if (cell.isDisposed) {
        this._badges.delete(cell);
      }
    }
    for (const cell of this._panel.isDisposed ? [] : this._panel.content.widgets) {
      const marked = cell.model.type === 'code' && markOf(cell.model) !== null;
      const badge = this._badges.get(cell);
      if (marked && badge === undefined) {
        this._badges.set(cell, null);
        // A cell has a place for it once it was on the screen.
        void cell.ready.then(() => this._add(cell));
      } else if (!marked && badge !== undefined) {
        badge?.dispose();
        this._badges.delete(cell);
      }
    }
  }

  private _add(cell: Cell): void {
    if (cell.isDisposed || this._badges.get(cell) !== null) {
      return;
    }
    const layout = cell.layout as PanelLayout;
    const place = layout.widgets.findIndex(widget => widget.hasClass(OUTPUT));
    const badge = new CellBadge(cell.model, this._notebook, this._runs, this._commands, this._trans);
    layout.insertWidget(place < 0 ? layout.widgets.length : place, badge);
    this._badges.set(cell, badge);
  }

  /** null: one is on its way. */
  private readonly _badges = new Map<Cell, CellBadge | null>();
}
