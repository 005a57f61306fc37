import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, closeIcon, editIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import type { AccessModel } from '../access';
import { CHANGE_ROLE, TAKE_ROLE } from '../accessCommands';
import { type Kind, keyOf, type Member, short, type Target } from '../members';
import { visible } from '../visible';
import { typeInWords } from './memberForm';
import { ProblemView } from './problem';

interface Props {
  readonly model: AccessModel;
  readonly target: Target | null;
  readonly members: readonly Member[] | null;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

/** So many members are shown at first: a table of thousands would take seconds to draw. */
const AT_FIRST = 200;

/** What the section of access shows. */
export function AccessView({ model, target, members, commands, trans }: Props): React.ReactElement {
  const [all, setAll] = React.useState(false);
  const problem = model.problem ?? model.members.problem;
  const shown = all ? members : members?.slice(0, AT_FIRST);
  return (
    <>
      <div role="group" aria-label={trans.__('Whose members')} className="jp-DataSphere-switch">
        {(['project', 'community'] as const).map(kind => (
          <Button
            key={kind}
            small
            aria-pressed={model.kind === kind}
            onClick={() => void model.show(kind)}
          >
            {inWords(kind, trans)}
          </Button>
        ))}
      </div>
      {target !== null && target.kind === model.kind && (
        <p className="jp-DataSphere-target">
          <bdi title={target.id}>{visible(target.name || target.id)}</bdi>
        </p>
      )}
      {problem !== null && <ProblemView problem={problem} trans={trans} />}
      {shown !== undefined && shown !== null && target?.kind === model.kind && (
        <table className="jp-DataSphere-members">
          <thead>
            <tr>
              <th scope="col">{trans.__('Subject')}</th>
              <th scope="col">{trans.__('Role')}</th>
              <th>
                <span className="jp-DataSphere-visuallyHidden">{trans.__('Actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(member => (
              <tr key={keyOf(member)}>
                <td>
                  <bdi>{visible(member.subject)}</bdi>
                  <small>{typeInWords(member.type, trans)}</small>
                </td>
                <td>{visible(short(member.role, target.kind))}</td>
                <td>
                  <Button
                    minimal
                    small
                    aria-label={trans.__('Change the role of %1…', visible(member.subject))}
                    title={trans.__('Change the role…')}
                    onClick={() => void commands.execute(CHANGE_ROLE, { ...member })}
                  >
                    <editIcon.react tag="span" />
                  </Button>
                  <Button
                    minimal
                    small
                    aria-label={trans.__('Take the role of %1…', visible(member.subject))}
                    title={trans.__('Take the role…')}
                    onClick={() => void commands.execute(TAKE_ROLE, { ...member })}
                  >
                    <closeIcon.react tag="span" />
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {members !== null && members.length > AT_FIRST && !all && (
        <Button small onClick={() => setAll(true)}>
          {trans.__('Show all %1', members.length)}
        </Button>
      )}
      {members?.length === 0 && <p className="jp-DataSphere-empty">{trans.__('It gives no roles itself.')}</p>}
      {model.kind === 'project' && members !== null && (
        <p className="jp-DataSphere-note">{trans.__('Roles in its community hold here, too.')}</p>
      )}
    </>
  );
}

function inWords(kind: Kind, trans: TranslationBundle): string {
  return kind === 'project' ? trans.__('Project') : trans.__('Community');
}
