import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, closeIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import type { ProjectInForce } from '../api';
import { listedOne } from '../choice';
import { USE_CONFIGURED } from '../projectCommands';
import type { CommunityEntry } from '../resources';
import { visible } from '../visible';

interface Props {
  readonly inForce: ProjectInForce | null;
  readonly entries: readonly CommunityEntry[];
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

/** The project in force, whose choice that is, and whether it is still there. */
export function InForce({ inForce, entries, commands, trans }: Props): React.ReactElement | null {
  if (inForce === null) {
    return null;
  }
  const { project, chosen = false, configured } = inForce;
  if (project === undefined) {
    return (
      <p className="jp-DataSphere-inForce">
        {trans.__('No project is chosen. A double click on one, or Enter, chooses it.')}
      </p>
    );
  }
  const now = listedOne(inForce, entries);
  const complete = entries.length > 0 && entries.every(({ projects }) => projects !== null);
  return (
    <div className="jp-DataSphere-inForce">
      <span className="jp-DataSphere-note">{trans.__('In force')}</span>
      <bdi className="jp-DataSphere-name" title={project.id}>
        {visible(now?.name ?? project.name)}
      </bdi>
      <span className="jp-DataSphere-note">
        {chosen ? trans.__('chosen here') : trans.__('by the settings')}
      </span>
      {chosen && (
        <Button
          minimal
          small
          aria-label={trans.__('Undo the choice')}
          title={
            configured === undefined
              ? trans.__('Undo the choice: no project is in force then')
              : trans.__('Undo the choice: %1 is in force then', visible(configured))
          }
          onClick={() => void commands.execute(USE_CONFIGURED)}
        >
          <closeIcon.react tag="span" />
        </Button>
      )}
      {complete && now === undefined && (
        <p role="alert">{trans.__('It is not among the projects that this account sees. Choose another one.')}</p>
      )}
    </div>
  );
}
