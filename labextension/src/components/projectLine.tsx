import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon, checkIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { whole } from '../formats';
import type { Row } from '../rows';
import { visible } from '../visible';
import type { Line } from './tree';

/** A line of the list of communities and projects. */
export function lineOf(row: Row | undefined, inForce: string | undefined, trans: TranslationBundle): Line {
  switch (row?.kind) {
    case 'community': {
      const { community, count, folded, key } = row;
      const Caret = folded ? caretRightIcon : caretDownIcon;
      const name = visible(community.name ?? '') || community.id;
      return {
        key,
        level: 1,
        expanded: !folded,
        content: (
          <>
            <Caret.react tag="span" className="jp-DataSphere-lineIcon" />
            <bdi className="jp-DataSphere-name" title={`${name} (${community.id})`}>
              {name}
            </bdi>
            {count !== null && <span className="jp-DataSphere-count">{whole(count)}</span>}
          </>
        ),
      };
    }
    case 'project': {
      const { project, key } = row;
      const name = visible(project.name ?? '') || project.id;
      const chosen = project.id === inForce;
      return {
        key,
        level: 2,
        content: (
          <>
            <span className="jp-DataSphere-lineIcon" title={chosen ? trans.__('in force') : undefined}>
              {chosen && <checkIcon.react tag="span" />}
            </span>
            <bdi className="jp-DataSphere-name" title={`${name} (${project.id})`}>
              {name}
            </bdi>
            {chosen && <span className="jp-DataSphere-visuallyHidden">{trans.__('in force')}</span>}
          </>
        ),
      };
    }
    case 'problem':
      return {
        key: row.key,
        level: 2,
        content: <span className="jp-DataSphere-note">{row.problem.title}</span>,
      };
    case 'waiting':
      return note(row.key, trans.__('being listed…'));
    case 'empty':
      return note(row.key, trans.__('no project'));
    case undefined:
      return note('', '');
  }
}

function note(key: string, text: string): Line {
  return { key, level: 2, content: <span className="jp-DataSphere-note">{text}</span> };
}
