import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { facts } from '../facts';
import { remedy } from '../remedies';
import type { Snapshot } from '../tokens';
import { ProblemView } from './problem';

interface Props {
  readonly snapshot: Snapshot;
  readonly trans: TranslationBundle;
}

/** The facts, and what is wrong with the remedy. */
export function StatusFacts({ snapshot, trans }: Props): React.ReactElement {
  const { checking, health } = snapshot;
  const mend = remedy(health, trans);
  return (
    <>
      <dl aria-live="polite" aria-busy={checking}>
        {facts(snapshot, trans).map(({ name, value }) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
      {'problem' in health && <ProblemView problem={health.problem} trans={trans} />}
      {mend !== null && (
        <div className="jp-DataSphere-problem" role="alert">
          <p>{mend.message}</p>
          <code>{mend.command}</code>
        </div>
      )}
    </>
  );
}
