import type { TranslationBundle } from '@jupyterlab/translation';
import { InputGroup } from '@jupyterlab/ui-components';
import React from 'react';

import { visible } from '../visible';
import { Field } from './field';
import { Form } from './form';

/** Has the name of a project typed that is to be deleted, or its ID where it has no name. */
export function deleteForm(name: string, inForce: boolean, trans: TranslationBundle): Form<{ typed: string }> {
  return new Form({ typed: '' }, (value, enter) => (
    <>
      <p>
        {trans.__('The project is deleted with its notebooks, files and results. Nobody can bring them back.')}
      </p>
      {inForce && <p>{trans.__('It is the project in force: what runs there now is lost.')}</p>}
      <Field label={trans.__('To delete it, type its name: %1', visible(name))}>
        {ids => (
          <InputGroup
            {...ids}
            required
            autoComplete="off"
            className={value.typed === name ? undefined : 'jp-mod-error'}
            value={value.typed}
            onChange={event => enter({ typed: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  ));
}
