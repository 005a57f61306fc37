import type { TranslationBundle } from '@jupyterlab/translation';
import { InputGroup } from '@jupyterlab/ui-components';
import React from 'react';

import { Field } from './field';

/** How the service lets projects be called; a hyphen in a class is escaped for HTML's patterns. */
const PROJECT_NAME = '[a-z]([\\-a-z0-9]{0,61}[a-z0-9])?';

interface Props {
  readonly label: string;
  readonly name: string;
  readonly onName: (name: string) => void;
  readonly trans: TranslationBundle;
}

/** Asks for the name of a project. */
export function NameField({ label, name, onName, trans }: Props): React.ReactElement {
  const hint = trans.__('Small Latin letters, digits and hyphens, at most 63; it begins with a letter.');
  return (
    <Field label={label} hint={hint}>
      {ids => (
        <InputGroup
          {...ids}
          required
          pattern={PROJECT_NAME}
          value={name}
          onChange={event => onName(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
