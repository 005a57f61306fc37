import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import type { Following } from '../following';
import type { RunView } from '../runView';
import { isRunning, tallyOf } from '../tally';
import { projectOf, titleOf } from '../words';
import { ProblemView } from './problem';
import { useNow } from './useNow';

/** What run it is and how it stands, above its output. */
export class RunHeader extends ReactWidget {
  constructor(
    private readonly _view: RunView,
    private readonly _following: Following,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-Run-header');
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this._view.changed}>
        {() => (
          <UseSignal signal={this._following.awayChanged}>
            {() => <Header view={this._view} away={this._following.away} trans={this._trans} />}
          </UseSignal>
        )}
      </UseSignal>
    );
  }
}

interface HeaderProps {
  readonly view: RunView;
  readonly away: boolean;
  readonly trans: TranslationBundle;
}

function Header({ view, away, trans }: HeaderProps): React.ReactElement {
  const { execution, problem, executionId } = view;
  const now = useNow(execution !== undefined && isRunning(execution));
  return (
    <>
      {execution !== undefined && (
        <>
          <h2>{titleOf(execution.source, trans)}</h2>
          <p role="status" className="jp-DataSphere-Run-tally" data-state={execution.state}>
            {tallyOf(execution, now, trans)}
          </p>
          <p className="jp-DataSphere-dim">
            {[projectOf(execution), execution.spec, execution.channel, executionId]
              .filter(part => part !== '')
              .join(' · ')}
          </p>
          {execution.source.type === 'code' && (
            <details>
              <summary>{trans.__('Code')}</summary>
              <pre>{execution.source.source}</pre>
            </details>
          )}
        </>
      )}
      {away && <p role="status">{trans.__('The Jupyter server does not answer; it is asked again.')}</p>}
      {problem !== null && <ProblemView problem={problem} trans={trans} />}
    </>
  );
}
