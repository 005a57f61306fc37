import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Form } from './form';
import { NameField } from './nameField';

/** Asks for another name of a project. */
export function renameForm(name: string, trans: TranslationBundle): Form<{ name: string }> {
  return new Form({ name }, (value, enter) => (
    <NameField label={trans.__('New name')} name={value.name} onName={name => enter({ name })} trans={trans} />
  ));
}
