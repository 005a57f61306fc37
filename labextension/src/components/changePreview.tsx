import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { type Difference, keyOf, lastAdmin, type Member, PREFIXES, short, type Target } from '../members';
import { visible } from '../visible';

interface Props {
  readonly target: Target;
  readonly members: readonly Member[];
  readonly difference: Difference;
  readonly trans: TranslationBundle;
}

/** Which roles a subject has now, which it would have, and what else that means. */
export function ChangePreview({ target, members, difference, trans }: Props): React.ReactElement {
  const { give, take } = difference;
  const subject = (give[0] ?? take[0])?.subject ?? '';
  const type = (give[0] ?? take[0])?.type ?? '';
  const of = (all: readonly Member[]) =>
    all.filter(one => one.subject === subject && one.type === type).map(({ role }) => short(role, target.kind));
  const taken = new Set(take.map(keyOf));
  const left = members.filter(member => !taken.has(keyOf(member)));
  const known = new Set(left.map(keyOf));
  const after = [...left, ...give.filter(member => !known.has(keyOf(member)))];
  const managing = take.some(({ role }) => role === `${PREFIXES[target.kind]}.admin`);
  return (
    <div className="jp-DataSphere-preview" aria-live="polite">
      <table>
        <thead>
          <tr>
            <th scope="col">{trans.__('Subject')}</th>
            <th scope="col">{trans.__('Before')}</th>
            <th scope="col">{trans.__('After')}</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>
              <bdi>{subject === '' ? '…' : visible(subject)}</bdi>
            </td>
            <td>{roles(of(members), trans)}</td>
            <td>{roles(of(after), trans)}</td>
          </tr>
        </tbody>
      </table>
      {managing && (
        <p role="alert">
          {trans.__('If that is you, you cannot manage access here any more afterwards.')}{' '}
          {lastAdmin(members, difference, target.kind) &&
            trans.__('%1 itself has no administrator left then.', visible(target.name || target.id))}
        </p>
      )}
    </div>
  );
}

function roles(words: readonly string[], trans: TranslationBundle): string {
  return words.length === 0 ? trans.__('none') : visible(words.join(', '));
}
