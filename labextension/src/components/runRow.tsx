import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, Button, stopIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import type { Execution } from '../api';
import { moment } from '../formats';
import type { Live } from '../liveRuns';
import { ATTACH_RUN, CANCEL_RUN, OPEN_RUN } from '../runCommands';
import { isRunning, tallyOf } from '../tally';
import { projectOf, titleOf } from '../words';
import { useNow } from './useNow';

interface RunRowProps {
  readonly execution: Execution;
  readonly live: Live;
  readonly commands: CommandRegistry;
  /** Its time goes on, and somebody sees it. */
  readonly ticking: boolean;
  readonly trans: TranslationBundle;
}

/** One run in the list: its name opens its output. React inserts whatever comes from outside as text. */
export function RunRow({ execution, live, commands, ticking, trans }: RunRowProps): React.ReactElement {
  const now = useNow(ticking);
  const { id, state, source, problem } = execution;
  const title = titleOf(source, trans);
  const running = isRunning(execution);
  const run = (command: string) => () => void commands.execute(command, { id });
  return (
    <li className="jp-DataSphere-RunRow" data-state={state} data-id={id}>
      <div className="jp-DataSphere-RunRow-head">
        <button
          type="button"
          className="jp-DataSphere-RunRow-title"
          title={trans.__('Show the output of this run')}
          onClick={run(OPEN_RUN)}
        >
          <bdi>{title}</bdi>
        </button>
        <Action label={trans.__('Attach to the notebook in front: %1', title)} onClick={run(ATTACH_RUN)}>
          <addIcon.react tag="span" />
        </Action>
        {running && (
          <Action label={trans.__('Cancel: %1', title)} onClick={run(CANCEL_RUN)}>
            <stopIcon.react tag="span" />
          </Action>
        )}
      </div>
      <div className="jp-DataSphere-RunRow-tally">{tallyOf(execution, now, trans)}</div>
      <div className="jp-DataSphere-dim">
        <bdi>{projectOf(execution)}</bdi>
        {' · '}
        {moment(new Date(execution.created_at * 1000), 'short')}
      </div>
      {running && live.cells !== null && live.cell !== null && (
        <div className="jp-DataSphere-RunRow-progress">
          <progress max={live.cells} value={live.cell - 1} aria-label={trans.__('Cells that ran')} />
          <span>{trans.__('cell %1 of %2', live.cell, live.cells)}</span>
        </div>
      )}
      {running && live.line !== '' && (
        <div className="jp-DataSphere-RunRow-line" title={live.line}>
          <bdi>{live.line}</bdi>
        </div>
      )}
      {problem !== undefined && <div className="jp-DataSphere-RunRow-why">{problem.title}</div>}
    </li>
  );
}

interface ActionProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly children: React.ReactNode;
}

function Action({ label, onClick, children }: ActionProps): React.ReactElement {
  return (
    <Button minimal small title={label} aria-label={label} onClick={onClick}>
      {children}
    </Button>
  );
}
