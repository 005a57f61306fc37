import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, ReactWidget, refreshIcon, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { IStatusModel } from '../tokens';
import { StatusFacts } from './statusFacts';

/** What `%ds_status` says. Opening it asks DataSphere, and so does its button. */
export class StatusPopup extends ReactWidget {
  constructor(
    private readonly _model: IStatusModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-StatusPopup');
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', this._trans.__('DataSphere status'));
    this.node.tabIndex = -1;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.focus(); // for the keyboard, and so that Escape closes
    void this._model.check();
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this._model.changed}>
        {() => <Content model={this._model} trans={this._trans} />}
      </UseSignal>
    );
  }
}

interface ContentProps {
  readonly model: IStatusModel;
  readonly trans: TranslationBundle;
}

function Content({ model, trans }: ContentProps): React.ReactElement {
  const { snapshot } = model;
  const { checking } = snapshot;
  return (
    <>
      <header>
        <h3>DataSphere</h3>
        <Button
          minimal
          small
          className="jp-DataSphere-refresh"
          aria-label={trans.__('Refresh')}
          title={trans.__('Ask DataSphere again')}
          aria-busy={checking}
          onClick={() => void model.check()}
        >
          <refreshIcon.react tag="span" />
        </Button>
      </header>
      <StatusFacts snapshot={snapshot} trans={trans} />
    </>
  );
}
