import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon, Toolbar, ToolbarButton, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import type { IStatusModel } from '../tokens';
import { SectionWidget } from './section';
import { StatusFacts } from './statusFacts';

/** What `%ds_status` says. Looking at it asks DataSphere, and so does its button. */
export class ConnectionSection extends SectionWidget {
  constructor(
    private readonly _model: IStatusModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: this._trans.__('Ask DataSphere again'),
        onClick: () => void this._model.check(),
      })
    );
  }

  readonly toolbar = new Toolbar();

  protected override shown(): void {
    void this._model.check();
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this._model.changed}>
        {() => <StatusFacts snapshot={this._model.snapshot} trans={this._trans} />}
      </UseSignal>
    );
  }
}
