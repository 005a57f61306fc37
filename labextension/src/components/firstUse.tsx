import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, copyIcon } from '@jupyterlab/ui-components';
import React from 'react';

/** What to do where nothing says who the user is. */
export function FirstUse({ trans }: { readonly trans: TranslationBundle }): React.ReactElement {
  return (
    <div className="jp-DataSphere-firstUse" role="note">
      <h4>{trans.__('Nothing says yet who you are')}</h4>
      <p>{trans.__('One of these tells it; then ask again by the button above.')}</p>
      <ol>
        <li>
          {trans.__('In a terminal of this server, which keeps it in the system’s keyring:')}
          <Command text="jupyter datasphere login" trans={trans} />
        </li>
        <li>
          {trans.__('Key file of a service account, in the environment of the server, which is then restarted:')}
          <Command text="export YC_SERVICE_ACCOUNT_KEY_FILE=key.json" trans={trans} />
        </li>
        <li>
          {trans.__('No account at all, to try things out on this machine:')}
          <Command text="jupyter datasphere demo" trans={trans} />
        </li>
      </ol>
    </div>
  );
}

interface CommandProps {
  readonly text: string;
  readonly trans: TranslationBundle;
}

function Command({ text, trans }: CommandProps): React.ReactElement {
  return (
    <div className="jp-DataSphere-command">
      <code>{text}</code>
      <Button
        minimal
        small
        aria-label={trans.__('Copy: %1', text)}
        title={trans.__('Copy')}
        onClick={() => Clipboard.copyToSystem(text)}
      >
        <copyIcon.react tag="span" />
      </Button>
    </div>
  );
}
