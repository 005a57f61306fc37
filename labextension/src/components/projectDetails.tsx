import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, ellipsesIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { Problem, Project } from '../api';
import { duration, inUnits } from '../facts';
import { problemOf } from '../request';
import type { ResourcesModel, Units } from '../resources';
import { DEFAULT_SPEC, UNITS_EACH_SECOND } from '../specs';
import { visible } from '../visible';
import { Facts } from './facts';
import { ProblemView } from './problem';

interface Props {
  readonly project: Project;
  readonly inForce: boolean;
  readonly resources: ResourcesModel;
  readonly trans: TranslationBundle;
  readonly onUse: () => void;
  readonly onOpen: () => void;
  readonly onMenu: (at: { readonly x: number; readonly y: number }) => void;
}

/** The project that is selected: what it is, what it has left, and what can be done with it. */
export function ProjectDetails(props: Props): React.ReactElement {
  const { project, inForce, resources, trans } = props;
  const [units, problem] = useUnits(resources, project);
  const spec = project.settings?.defaultDedicatedSpec ?? '';
  const facts = [
    { name: trans.__('ID'), value: project.id },
    ...(project.description ? [{ name: trans.__('Description'), value: visible(project.description) }] : []),
    ...(units === null ? [] : unitFacts(units, spec, trans)),
    { name: trans.__('Spec'), value: spec || trans.__('%1 (the service’s own)', DEFAULT_SPEC) },
  ];
  return (
    <section className="jp-DataSphere-details" aria-label={trans.__('The selected project')}>
      <h4>
        <bdi>{visible(project.name ?? project.id)}</bdi>
      </h4>
      <div className="jp-DataSphere-buttons">
        {!inForce && (
          <Button small className="jp-mod-accept" onClick={props.onUse}>
            {trans.__('Use')}
          </Button>
        )}
        <Button small onClick={props.onOpen}>
          {trans.__('Open in DataSphere')}
        </Button>
        <Button
          small
          minimal
          aria-haspopup="menu"
          aria-label={trans.__('More for this project')}
          title={trans.__('More for this project')}
          onClick={event => {
            const { left, bottom } = event.currentTarget.getBoundingClientRect();
            props.onMenu({ x: left, y: bottom });
          }}
        >
          <ellipsesIcon.react tag="span" />
        </Button>
      </div>
      <Facts facts={facts} busy={units === null && problem === null} />
      {problem !== null && <ProblemView problem={problem} trans={trans} />}
    </section>
  );
}

type Known = Awaited<ReturnType<ResourcesModel['units']>>;

/** What it has left, asked for when it is selected, and again when it was changed. */
function useUnits(resources: ResourcesModel, project: Project): [Known | null, Problem | null] {
  const [units, setUnits] = React.useState<Known | null>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  React.useEffect(() => {
    let current = true;
    resources.units(project.id).then(
      found => {
        if (current) {
          setUnits(found);
          setProblem(null);
        }
      },
      (error: unknown) => {
        if (current) {
          setUnits(null);
          setProblem(problemOf(error));
        }
      }
    );
    return () => {
      current = false;
    };
  }, [resources, project]); // another object each time it was listed
  return [units, problem];
}

function unitFacts(units: Known, spec: string, trans: TranslationBundle): { name: string; value: string }[] {
  return [
    { name: trans.__('Balance'), value: balance(units, spec, trans) },
    { name: trans.__('Limit per hour'), value: limit(units.perHour, trans) },
    { name: trans.__('Limit per run'), value: limit(units.perRun, trans) },
  ];
}

function balance(units: Partial<Units>, spec: string, trans: TranslationBundle): string {
  if (units.balance === undefined) {
    return trans.__('not shown to this account');
  }
  if (units.balance === null) {
    return trans.__('no limit');
  }
  const each = UNITS_EACH_SECOND[spec || DEFAULT_SPEC];
  const left = inUnits(units.balance, trans);
  if (each === undefined) {
    return left;
  }
  const seconds = Math.max(0, Number(units.balance)) / each;
  return trans.__('%1, which is %2 of %3', left, duration(seconds, trans), spec || DEFAULT_SPEC);
}

function limit(units: string | null, trans: TranslationBundle): string {
  return units === null ? trans.__('no limit') : trans.__('at most %1', inUnits(units, trans));
}
