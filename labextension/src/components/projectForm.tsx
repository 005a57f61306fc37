import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React from 'react';

import type { Community } from '../api';
import { named } from '../visible';
import { Field } from './field';
import { Form } from './form';
import { NameField } from './nameField';

/** What a new project is to be. */
export interface NewProject {
  readonly community: string;
  readonly name: string;
  readonly description: string;
}

/** Asks what a new project is to be; `community`: the ID of the one that is proposed. */
export function projectForm(
  communities: readonly Community[],
  community: string,
  trans: TranslationBundle
): Form<NewProject> {
  return new Form<NewProject>({ community, name: '', description: '' }, (value, enter) => (
    <>
      <NameField label={trans.__('Name')} name={value.name} onName={name => enter({ name })} trans={trans} />
      <Field label={trans.__('Community')}>
        {ids => (
          <HTMLSelect
            {...ids}
            value={value.community}
            onChange={event => enter({ community: event.currentTarget.value })}
          >
            {communities.map(one => (
              <option key={one.id} value={one.id}>
                {named(one)}
              </option>
            ))}
          </HTMLSelect>
        )}
      </Field>
      <Field label={trans.__('Description')}>
        {ids => (
          <textarea
            {...ids}
            className="jp-mod-styled"
            maxLength={256}
            rows={3}
            value={value.description}
            onChange={event => enter({ description: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  ));
}
