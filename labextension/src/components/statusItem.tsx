import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { connection, left, summary } from '../facts';
import { dataSphereIcon } from '../icons';
import type { IStatusModel } from '../tokens';

/** The project in force, what it has left, what runs and the connection, in the status bar. */
export class StatusItem extends ReactWidget {
  /** `open` is called where it is clicked. */
  constructor(
    private readonly _model: IStatusModel,
    private readonly _open: () => void,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-StatusItem');
    this._model.shownBy(this);
  }

  protected override render(): React.ReactElement {
    return <UseSignal signal={this._model.changed}>{() => this._content()}</UseSignal>;
  }

  private _content(): React.ReactElement {
    const { snapshot } = this._model;
    const trans = this._trans;
    const text = summary(snapshot, trans);
    const balance = left(snapshot, trans);
    const running = snapshot.status?.running ?? 0;
    const runs = running > 0 ? trans._n('%1 running', '%1 running', running) : '';
    const state = trans.__('Connection: %1', connection(snapshot.health, trans));
    return (
      <button
        type="button"
        className="jp-StatusBar-TextItem"
        data-health={snapshot.health.kind}
        aria-label={[text, balance, runs, state].filter(part => part !== '').join('; ')}
        title={state}
        onClick={this._open}
      >
        <dataSphereIcon.react tag="span" />
        <bdi>{text}</bdi>
        {balance !== '' && <span>{balance}</span>}
        {running > 0 && <span className="jp-DataSphere-running">{runs}</span>}
      </button>
    );
  }
}
