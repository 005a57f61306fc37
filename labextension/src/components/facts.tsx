import React from 'react';

import type { Fact } from '../facts';

interface Props {
  readonly facts: readonly Fact[];
  /** They are being asked for. */
  readonly busy?: boolean;
}

/** Names and values; where it is narrow, each value is below its name. */
export function Facts({ facts, busy = false }: Props): React.ReactElement {
  return (
    <dl aria-busy={busy}>
      {facts.map(({ name, value }, place) => (
        <React.Fragment key={place}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </React.Fragment>
      ))}
    </dl>
  );
}
