import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, refreshIcon, Toolbar, ToolbarButton, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { CREATE_PROJECT, type Projects } from '../projectCommands';
import { ProjectsView } from './projectsView';
import { SectionWidget } from './section';

/** Communities and their projects: looked for, chosen, opened and changed. */
export class ProjectsSection extends SectionWidget {
  constructor(
    private readonly _projects: Projects,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-Projects');
    this.toolbar.addItem(
      'create',
      new ToolbarButton({
        icon: addIcon,
        tooltip: this._trans.__('Create a project'),
        onClick: () => void this._commands.execute(CREATE_PROJECT),
      })
    );
    this.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: this._trans.__('List the projects again'),
        onClick: () => void this._projects.resources.refresh(),
      })
    );
  }

  readonly toolbar = new Toolbar();

  /** Put the keyboard into the search. */
  search(): void {
    this.node.querySelector('input')?.focus();
  }

  protected override shown(): void {
    this._looking ??= this._projects.resources.look();
    void this._projects.choice.refresh();
  }

  protected override onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._away();
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this._away();
  }

  protected override render(): React.ReactElement {
    const { resources, choice, status } = this._projects;
    return (
      <UseSignal signal={resources.changed}>
        {() => (
          <UseSignal signal={choice.changed}>
            {() => (
              <UseSignal signal={status.changed}>
                {() => (
                  <ProjectsView
                    entries={resources.entries}
                    problem={resources.problem}
                    nowhere={resources.nowhere}
                    loading={resources.loading}
                    inForce={choice.inForce}
                    projects={this._projects}
                    commands={this._commands}
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

  private _away(): void {
    this._looking?.dispose();
    this._looking = null;
  }

  private _looking: IDisposable | null = null;
}
