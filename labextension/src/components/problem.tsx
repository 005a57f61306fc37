import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Problem } from '../api';

interface Props {
  readonly problem: Problem;
  readonly trans: TranslationBundle;
}

/** What went wrong and what to do about it; React inserts both as text. */
export function ProblemView({ problem, trans }: Props): React.ReactElement {
  return (
    <div className="jp-DataSphere-problem" role="alert">
      <p>{problem.title}</p>
      {problem.hint !== undefined && <p className="jp-DataSphere-hint">{problem.hint}</p>}
      {problem.request_id !== undefined && <small>{trans.__('Request ID %1', problem.request_id)}</small>}
    </div>
  );
}
