import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { facts } from '../facts';
import { remedy } from '../remedies';
import type { Snapshot } from '../tokens';
import { Facts } from './facts';
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
      {'problem' in health && <ProblemView problem={health.problem} trans={trans} />}
      {mend !== null && (
        <div className="jp-DataSphere-problem" role="alert">
          <p>{mend.message}</p>
          <code>{mend.command}</code>
        </div>
      )}
      <Facts facts={facts(snapshot, trans)} busy={checking} />
    </>
  );
}
