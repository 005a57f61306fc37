import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, FilterBox, HTMLSelect, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import React, { useState } from 'react';

import type { Execution } from '../api';
import { LiveRuns } from '../liveRuns';
import type { RunsModel } from '../runs';
import { isRunning } from '../tally';
import type { IRuns } from '../tokens';
import { projectOf, titleOf } from '../words';
import { ProblemView } from './problem';
import { RunRow } from './runRow';
import { SectionWidget } from './section';

/** What is listed: all runs, those that go on, or those that ended in this way. */
type Kind = 'all' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** The runs of this user, from magics, widgets, buttons and other tabs alike. */
export class RunsSection extends SectionWidget {
  constructor(
    { model, following }: IRuns,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this._model = model;
    this._live = new LiveRuns(following);
    this.addClass('jp-DataSphere-Runs');
    model.changed.connect(this._follow);
  }

  override dispose(): void {
    this._live.dispose();
    this._model.changed.disconnect(this._follow);
    super.dispose();
  }

  protected override shown(): void {
    this._visibility.emit();
    this._follow();
    void this._model.refresh();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._visibility.emit();
    this._follow();
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this._visibility}>
        {() => (
          <UseSignal signal={this._model.changed}>
            {() => (
              <UseSignal signal={this._live.changed}>
                {() => (
                  <Runs
                    model={this._model}
                    live={this._live}
                    commands={this._commands}
                    visible={this.isVisible}
                    trans={this._trans}
                  />
                )}
              </UseSignal>
            )}
          </UseSignal>
        )}
      </UseSignal>
    );
  }

  /** Last lines are for those who see them. */
  private readonly _follow = () => {
    this._live.watch(this.isVisible ? this._model.running : []);
  };

  private readonly _model: RunsModel;
  private readonly _live: LiveRuns;
  private readonly _visibility = new Signal<this, void>(this);
}

interface RunsProps {
  readonly model: RunsModel;
  readonly live: LiveRuns;
  readonly commands: CommandRegistry;
  readonly visible: boolean;
  readonly trans: TranslationBundle;
}

function Runs({ model, live, commands, visible, trans }: RunsProps): React.ReactElement {
  const [text, setText] = useState('');
  const [kind, setKind] = useState<Kind>('all');
  const found = model.executions.filter(one => isOf(kind, one) && hasText(one, text, trans));
  return (
    <>
      <div className="jp-DataSphere-Runs-filter">
        <FilterBox
          placeholder={trans.__('Filter runs')}
          updateFilter={(_, query) => setText(query ?? '')}
          useFuzzyFilter={false}
          caseSensitive={false}
        />
        <HTMLSelect
          aria-label={trans.__('Which runs are listed')}
          value={kind}
          onChange={({ target }) => setKind(target.value as Kind)}
        >
          <option value="all">{trans.__('All')}</option>
          <option value="running">{trans.__('Running')}</option>
          <option value="succeeded">{trans.__('Succeeded')}</option>
          <option value="failed">{trans.__('Failed')}</option>
          <option value="cancelled">{trans.__('Cancelled')}</option>
        </HTMLSelect>
      </div>
      {model.problem !== null && (
        <>
          <ProblemView problem={model.problem} trans={trans} />
          <Button small onClick={() => void model.refresh()}>
            {trans.__('Try again')}
          </Button>
        </>
      )}
      <ul aria-label={trans.__('Runs')} aria-busy={!model.listed && model.problem === null}>
        {found.map(execution => (
          <RunRow
            key={execution.id}
            execution={execution}
            live={live.of(execution.id)}
            commands={commands}
            ticking={visible && isRunning(execution)}
            trans={trans}
          />
        ))}
      </ul>
      {found.length === 0 && model.listed && <Empty any={model.executions.length > 0} trans={trans} />}
      {model.more && (
        <Button small className="jp-DataSphere-Runs-older" onClick={() => void model.older()}>
          {trans.__('Show older runs')}
        </Button>
      )}
    </>
  );
}

function Empty({ any, trans }: { any: boolean; trans: TranslationBundle }): React.ReactElement {
  return (
    <p className="jp-DataSphere-dim">
      {any
        ? trans.__('No run that is listed fits the filter.')
        : trans.__('Nothing was run in DataSphere yet. Run a cell with the button in its toolbar, or with %%%%ds_execute.')}
    </p>
  );
}

function isOf(kind: Kind, execution: Execution): boolean {
  switch (kind) {
    case 'all':
      return true;
    case 'running':
      return isRunning(execution);
    case 'failed': // whatever is neither good nor wanted
      return ['failed', 'lost', 'unknown'].includes(execution.state);
    default:
      return execution.state === kind;
  }
}

function hasText(execution: Execution, text: string, trans: TranslationBundle): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') {
    return true;
  }
  const { source, id } = execution;
  const code = source.type === 'code' ? source.source : titleOf(source, trans);
  return [code, projectOf(execution), id].some(part => part.toLowerCase().includes(wanted));
}
