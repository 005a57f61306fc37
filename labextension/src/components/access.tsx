import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, refreshIcon, Toolbar, ToolbarButton, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { AccessModel } from '../access';
import { GIVE_ROLE } from '../accessCommands';
import { AccessView } from './accessView';
import { SectionWidget } from './section';

/** Who has which role in a project or in its community. */
export class AccessSection extends SectionWidget {
  constructor(
    private readonly _model: AccessModel,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-Access');
    this.toolbar.addItem(
      'give',
      new ToolbarButton({
        icon: addIcon,
        tooltip: this._trans.__('Give somebody a role'),
        onClick: () => void this._commands.execute(GIVE_ROLE),
      })
    );
    this.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: this._trans.__('List the members again'),
        onClick: () => void this._model.members.refresh(),
      })
    );
  }

  readonly toolbar = new Toolbar();

  protected override shown(): void {
    this._model.look(true);
  }

  protected override onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._model.look(false);
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this._model.look(false);
  }

  protected override render(): React.ReactElement {
    const { members } = this._model;
    return (
      <UseSignal signal={this._model.changed}>
        {() => (
          <UseSignal signal={members.changed}>
            {() => (
              <AccessView
                model={this._model}
                members={members.members}
                target={members.target}
                commands={this._commands}
                trans={this._trans}
              />
            )}
          </UseSignal>
        )}
      </UseSignal>
    );
  }
}
