import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Member, Target } from '../members';
import { ChangePreview } from './changePreview';
import { Form } from './form';

/** Shows what it means to take a role. */
export function takeForm(
  target: Target,
  members: readonly Member[],
  member: Member,
  trans: TranslationBundle
): Form<Member> {
  return new Form(member, () => (
    <ChangePreview target={target} members={members} difference={{ give: [], take: [member] }} trans={trans} />
  ));
}
