import type { TranslationBundle } from '@jupyterlab/translation';
import { InputGroup, MenuSvg, searchIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import { SHOW_MEMBERS } from '../accessCommands';
import type { Problem, Project, ProjectInForce } from '../api';
import { listedOne } from '../choice';
import {
  COPY_ID,
  CREATE_PROJECT,
  DELETE_PROJECT,
  OPEN_PROJECT,
  type Projects,
  RENAME_PROJECT,
  SET_UNITS,
  USE_PROJECT,
} from '../projectCommands';
import type { CommunityEntry } from '../resources';
import { type Row, rowsOf } from '../rows';
import { InForce } from './inForce';
import { ProblemView } from './problem';
import { ProjectDetails } from './projectDetails';
import { lineOf } from './projectLine';
import { Tree } from './tree';

interface Props {
  readonly entries: readonly CommunityEntry[];
  readonly problem: Problem | null;
  readonly nowhere: boolean;
  readonly loading: boolean;
  readonly inForce: ProjectInForce | null;
  readonly projects: Projects;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What the section of projects shows. */
export function ProjectsView(props: Props): React.ReactElement {
  const { entries, problem, inForce, projects, commands, trans } = props;
  const [search, setSearch] = React.useState('');
  const [folded, setFolded] = React.useState<ReadonlySet<string>>(new Set());
  const [activeKey, setActiveKey] = React.useState<string | null>(null);
  const [selected, setSelected] = React.useState<string | null>(null);

  const rows = React.useMemo(() => rowsOf(entries, search, folded), [entries, search, folded]);
  const places = React.useMemo(() => new Map(rows.map(({ key }, place) => [key, place])), [rows]);
  const active = places.get(activeKey ?? '') ?? 0;
  const project = selected === null ? undefined : projects.resources.find(selected);
  const idInForce = listedOne(inForce, entries)?.id;

  const run = (command: string, args: Record<string, string>) => void commands.execute(command, args);
  const openMenu = (row: Row | undefined, { x, y }: Point) => {
    const menu = menuOf(row, commands);
    if (menu !== null) {
      menu.open(x, y);
    }
  };
  const fold = (id: string, open: boolean) => {
    const now = new Set(folded);
    if (open) {
      now.delete(id);
    } else {
      now.add(id);
    }
    setFolded(now);
  };
  const select = (row: Row | undefined) => {
    if (row?.kind === 'project') {
      setSelected(row.project.id);
    } else if (row?.kind === 'community') {
      fold(row.community.id, row.folded);
    }
  };

  return (
    <>
      <InForce inForce={inForce} entries={entries} commands={commands} trans={trans} />
      <InputGroup
        type="search"
        aria-label={trans.__('Search for projects')}
        placeholder={trans.__('Search')}
        rightIcon={searchIcon}
        value={search}
        onChange={event => setSearch(event.currentTarget.value)}
      />
      <p className="jp-DataSphere-visuallyHidden" role="status">
        {search === '' ? '' : found(rows, trans)}
      </p>
      {problem !== null && <ProblemView problem={problem} trans={trans} />}
      {rows.length > 0 ? (
        <Tree
          label={trans.__('Communities and projects')}
          search={search}
          count={rows.length}
          line={place => lineOf(rows[place], idInForce, trans)}
          active={active}
          selected={selected}
          onActive={place => setActiveKey(rows[place]?.key ?? null)}
          onSelect={place => select(rows[place])}
          onOpen={place => {
            const row = rows[place];
            if (row?.kind === 'project') {
              setSelected(row.project.id);
              run(USE_PROJECT, { project: row.project.id });
            }
          }}
          onExpand={(place, open) => {
            const row = rows[place];
            if (row?.kind === 'community') {
              fold(row.community.id, open);
            }
          }}
          onMenu={(place, at) => openMenu(rows[place], at)}
        />
      ) : (
        <p className="jp-DataSphere-empty">{emptiness(props, search)}</p>
      )}
      {project !== undefined && (
        <ProjectDetails
          key={project.id}
          project={project}
          inForce={project.id === idInForce}
          resources={projects.resources}
          trans={trans}
          onUse={() => run(USE_PROJECT, { project: project.id })}
          onOpen={() => run(OPEN_PROJECT, { project: project.id })}
          onMenu={at => openMenu({ kind: 'project', key: project.id, project }, at)}
        />
      )}
    </>
  );
}

function found(rows: readonly Row[], trans: TranslationBundle): string {
  const count = rows.filter(({ kind }) => kind === 'project').length;
  return trans._n('%1 project was found.', '%1 projects were found.', count);
}

function emptiness({ loading, nowhere, problem, trans }: Props, search: string): string {
  if (loading) {
    return trans.__('The projects are being listed…');
  }
  if (search !== '') {
    return trans.__('No community or project is called so.');
  }
  if (nowhere) {
    return trans.__(
      'To list projects, the server has to know your organization: set DataSphere.organization in its configuration, or JUPYTER_DATASPHERE_ORGANIZATION in its environment, and restart it.'
    );
  }
  return problem === null ? trans.__('This account sees no community.') : '';
}

function menuOf(row: Row | undefined, commands: CommandRegistry): MenuSvg | null {
  if (row?.kind !== 'project' && row?.kind !== 'community') {
    return null;
  }
  const menu = new MenuSvg({ commands });
  const add = (command: string, args: Record<string, string>) => menu.addItem({ command, args });
  if (row.kind === 'project') {
    const args = idOf(row.project);
    add(USE_PROJECT, args);
    add(OPEN_PROJECT, args);
    menu.addItem({ type: 'separator' });
    add(SHOW_MEMBERS, args);
    add(SET_UNITS, args);
    add(COPY_ID, args);
    menu.addItem({ type: 'separator' });
    add(RENAME_PROJECT, args);
    add(DELETE_PROJECT, args);
  } else {
    add(CREATE_PROJECT, { community: row.community.id });
    add(SHOW_MEMBERS, { community: row.community.id });
  }
  return menu;
}

function idOf({ id }: Project): Record<string, string> {
  return { project: id };
}
