import { type Popup, showPopup } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { connection, summary } from '../facts';
import { dataSphereIcon } from '../icons';
import type { IStatusModel } from '../tokens';
import { StatusPopup } from './statusPopup';

/** The project in force, what runs and the connection, in the status bar; a click opens the facts. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _model: IStatusModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-StatusItem');
  }

  protected override render(): React.ReactElement {
    return <UseSignal signal={this._model.changed}>{() => this._content()}</UseSignal>;
  }

  private _content(): React.ReactElement {
    const { snapshot } = this._model;
    const trans = this._trans;
    const text = summary(snapshot, trans);
    const running = snapshot.status?.running ?? 0;
    const runs = running > 0 ? trans._n('%1 running', '%1 running', running) : '';
    const state = trans.__('Connection: %1', connection(snapshot.health, trans));
    return (
      <button
        type="button"
        className="jp-StatusBar-TextItem"
        data-health={snapshot.health.kind}
        aria-haspopup="dialog"
        aria-label={[text, runs, state].filter(part => part !== '').join('; ')}
        title={state}
        onClick={() => this._toggle()}
      >
        <dataSphereIcon.react tag="span" />
        <span>{text}</span>
        {running > 0 && <span className="jp-DataSphere-running">{runs}</span>}
      </button>
    );
  }

  private _toggle(): void {
    if (this._popup !== null) {
      this._popup.dispose();
      return;
    }
    const popup = showPopup({
      body: new StatusPopup(this._model, this._trans),
      anchor: this,
      align: 'left',
      hasDynamicSize: true,
    });
    this._popup = popup;
    popup.disposed.connect(() => {
      this._popup = null;
      this.node.querySelector('button')?.focus();
    });
  }

  private _popup: Popup | null = null;
}
