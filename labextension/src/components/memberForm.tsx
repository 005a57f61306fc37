import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, InputGroup } from '@jupyterlab/ui-components';
import React from 'react';

import { type Difference, keyOf, type Member, rolesOf, short, type Target, TYPES } from '../members';
import { ChangePreview } from './changePreview';
import { Field } from './field';
import { Form } from './form';

/** Asks for a role to give, or, where there is a `before`, for the role to give in its stead. */
export function memberForm(
  target: Target,
  members: readonly Member[],
  before: Member | null,
  trans: TranslationBundle
): Form<Member> {
  const roles = rolesOf(target.kind);
  const initial = before ?? { role: roles[0] ?? '', subject: '', type: TYPES[0] };
  return new Form<Member>(initial, (value, enter) => (
    <>
      {before === null && (
        <>
          <Field label={trans.__('Kind of subject')}>
            {ids => (
              <HTMLSelect
                {...ids}
                value={value.type}
                onChange={event => enter({ type: event.currentTarget.value })}
              >
                {TYPES.map(type => (
                  <option key={type} value={type}>
                    {typeInWords(type, trans)}
                  </option>
                ))}
              </HTMLSelect>
            )}
          </Field>
          <Field label={trans.__('ID of the subject')} hint={subjectHint(value.type, trans)}>
            {ids => (
              <InputGroup
                {...ids}
                required
                pattern={value.type === 'system' ? SYSTEM : '[\\-\\w]{1,100}'}
                value={value.subject}
                onChange={event => enter({ subject: event.currentTarget.value.trim() })}
              />
            )}
          </Field>
        </>
      )}
      <Field label={trans.__('Role')}>
        {ids => (
          <HTMLSelect
            {...ids}
            // A role that changes nothing is nothing to accept.
            className={isNothing(members, value, before) ? 'jp-mod-error' : undefined}
            value={value.role}
            onChange={event => enter({ role: event.currentTarget.value })}
          >
            {roles.map(role => (
              <option key={role} value={role}>
                {short(role, target.kind)}
              </option>
            ))}
          </HTMLSelect>
        )}
      </Field>
      <ChangePreview
        target={target}
        members={members}
        difference={differenceOf(value, before)}
        trans={trans}
      />
    </>
  ));
}

/** What is to be given and taken. */
export function differenceOf(after: Member, before: Member | null): Difference {
  return { give: [after], take: before === null ? [] : [before] };
}

export function typeInWords(type: string, trans: TranslationBundle): string {
  switch (type) {
    case 'userAccount':
      return trans.__('User account');
    case 'serviceAccount':
      return trans.__('Service account');
    case 'federatedUser':
      return trans.__('Federated user');
    case 'system':
      return trans.__('Everybody, or a group');
    default:
      return type;
  }
}

const SYSTEM = 'allUsers|allAuthenticatedUsers|group:(organization|federation):[\\-\\w]+:users';

function subjectHint(type: string, trans: TranslationBundle): string {
  return type === 'system'
    ? trans.__('allUsers, allAuthenticatedUsers, or group:organization:ID:users')
    : trans.__('As the console of Yandex Cloud shows it, such as aje0123456789abcdefg.');
}

function isNothing(members: readonly Member[], after: Member, before: Member | null): boolean {
  return (before !== null && keyOf(before) === keyOf(after)) || members.some(one => keyOf(one) === keyOf(after));
}
