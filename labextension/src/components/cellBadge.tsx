import type { ICellModel } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, closeIcon, ReactWidget, stopIcon, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import { dataSphereIcon } from '../icons';
import { type Mark, markOf } from '../notebook/marks';
import type { NotebookRuns } from '../notebook/notebookRuns';
import { CANCEL_RUN, OPEN_RUN } from '../runCommands';
import { tallyOf, unitWords } from '../tally';
import type { IRuns } from '../tokens';
import { projectOf, stateWord } from '../words';
import { useNow } from './useNow';

/** Says below a cell's source where it ran, or runs, and what that costs. */
export class CellBadge extends ReactWidget {
  constructor(
    private readonly _cell: ICellModel,
    private readonly _notebook: NotebookRuns,
    private readonly _runs: IRuns,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-CellBadge');
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', this._trans.__('Run in DataSphere'));
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this._notebook.changed}>
        {() => (
          <UseSignal signal={this._runs.model.changed}>
            {() => <UseSignal signal={this._runs.following.awayChanged}>{() => this._content()}</UseSignal>}
          </UseSignal>
        )}
      </UseSignal>
    );
  }

  private _content(): React.ReactElement | null {
    const mark = this._cell.isDisposed ? null : markOf(this._cell);
    if (mark === null) {
      return null;
    }
    const run = this._notebook.of(this._cell);
    return (
      <Badge
        mark={mark}
        runs={this._runs}
        running={run?.isOn ?? false}
        lost={run !== undefined && run.problem !== null ? run.problem.title : null}
        commands={this._commands}
        forget={() => this._notebook.forget(this._cell)}
        trans={this._trans}
      />
    );
  }
}

interface BadgeProps {
  readonly mark: Mark;
  readonly runs: IRuns;
  /** The cell follows the run. */
  readonly running: boolean;
  /** Why it cannot. */
  readonly lost: string | null;
  readonly commands: CommandRegistry;
  readonly forget: () => void;
  readonly trans: TranslationBundle;
}

function Badge({ mark, runs, running, lost, commands, forget, trans }: BadgeProps): React.ReactElement {
  const now = useNow(running);
  const id = mark.execution;
  const execution = runs.model.find(id);
  const parts =
    execution === undefined
      ? [mark.project, ...markWords(mark, trans)]
      : [projectOf(execution), tallyOf(execution, now, trans)];
  const text = parts.filter(part => part !== undefined).join(' · ');
  const state = execution?.state ?? mark.state ?? 'unknown';
  const away = running && runs.following.away;
  return (
    <>
      <dataSphereIcon.react tag="span" />
      <button
        type="button"
        className="jp-DataSphere-CellBadge-text"
        data-state={state}
        title={trans.__('Show the output of execution %1 in a tab', id)}
        onClick={() => void commands.execute(OPEN_RUN, { id })}
      >
        <bdi>{text === '' ? trans.__('DataSphere') : trans.__('DataSphere: %1', text)}</bdi>
      </button>
      {lost !== null && <span role="alert">{lost}</span>}
      {away && <span role="status">{trans.__('the Jupyter server does not answer')}</span>}
      {running ? (
        <Button
          minimal
          small
          title={trans.__('Cancel the run in DataSphere')}
          aria-label={trans.__('Cancel the run in DataSphere')}
          onClick={() => void commands.execute(CANCEL_RUN, { id })}
        >
          <stopIcon.react tag="span" />
        </Button>
      ) : (
        <Button
          minimal
          small
          title={trans.__('Remove this mark; the output stays')}
          aria-label={trans.__('Remove this mark; the output stays')}
          onClick={forget}
        >
          <closeIcon.react tag="span" />
        </Button>
      )}
    </>
  );
}

/** What the notebook's file says, where this ledger does not know the run. */
function markWords({ state, units }: Mark, trans: TranslationBundle): string[] {
  return [
    ...(state === undefined ? [] : [stateWord(state, trans)]),
    ...(units === undefined ? [] : [unitWords(units, false, trans)]),
  ];
}
