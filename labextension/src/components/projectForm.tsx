import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, InputGroup } from '@jupyterlab/ui-components';
import React from 'react';

import type { Community } from '../api';
import { named } from '../visible';
import { Field } from './field';
import { Form } from './form';

/** How the service lets projects be called; a hyphen in a class is escaped for HTML's patterns. */
export const PROJECT_NAME = '[a-z]([\\-a-z0-9]{0,61}[a-z0-9])?';

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
      <Field label={trans.__('Name')} hint={nameHint(trans)}>
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

export function nameHint(trans: TranslationBundle): string {
  return trans.__('Small Latin letters, digits and hyphens, at most 63; it begins with a letter.');
}
