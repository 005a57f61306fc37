import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React from 'react';

import type { Profiles } from '../api';
import { visible } from '../visible';
import { Field } from './field';

interface Props {
  readonly profiles: Profiles | null;
  readonly trans: TranslationBundle;
  readonly onChoose: (name: string | null) => void;
}

/** Which of the named credentials are in force; nothing where none are named. */
export function ProfileChoice({ profiles, trans, onChoose }: Props): React.ReactElement | null {
  if (profiles === null || profiles.profiles.length === 0) {
    return null;
  }
  const { chosen, unnamed } = profiles;
  return (
    <Field label={trans.__('Profile')}>
      {ids => (
        <HTMLSelect
          {...ids}
          value={chosen ?? ''}
          onChange={event => onChoose(event.currentTarget.value || null)}
        >
          <option value="">{unnamed ?? trans.__('none')}</option>
          {profiles.profiles.map(({ name, source, problem }) => (
            <option key={name} value={name} disabled={problem !== undefined} title={source ?? problem?.title}>
              {visible(name)}
            </option>
          ))}
        </HTMLSelect>
      )}
    </Field>
  );
}
