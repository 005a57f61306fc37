import type { TranslationBundle } from '@jupyterlab/translation';
import { InputGroup } from '@jupyterlab/ui-components';
import React from 'react';

import { Field } from './field';
import { Form } from './form';
import { nameHint, PROJECT_NAME } from './projectForm';

/** Asks for another name of a project. */
export function renameForm(name: string, trans: TranslationBundle): Form<{ name: string }> {
  return new Form({ name }, (value, enter) => (
    <Field label={trans.__('New name')} hint={nameHint(trans)}>
      {ids => (
        <InputGroup
          {...ids}
          required
          pattern={PROJECT_NAME}
          value={value.name}
          onChange={event => enter({ name: event.currentTarget.value })}
        />
      )}
    </Field>
  ));
}
