import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon, Toolbar, ToolbarButton, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { tell } from '../doing';
import { ProfilesModel } from '../profiles';
import type { IStatusModel } from '../tokens';
import { FirstUse } from './firstUse';
import { ProfileChoice } from './profileChoice';
import { SectionWidget } from './section';
import { StatusFacts } from './statusFacts';

/** So often the time that is left is written anew, while somebody looks. */
const TICK_MS = 20_000;

/** What `%ds_status` says. Looking at it asks DataSphere, and so does its button. */
export class ConnectionSection extends SectionWidget {
  constructor(
    private readonly _model: IStatusModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-Connection');
    this.node.tabIndex = 0; // so that the keyboard can scroll it
    this._model.shownBy(this);
    this._model.changed.connect((_, { health, checking }) => {
      // Another project is in force, or the server extension was away: what was known is known no more.
      if (health.kind === 'unchecked' && !checking && this.isVisible) {
        void this._model.check();
      }
    });
    this.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: this._trans.__('Ask DataSphere again'),
        onClick: () => this.shown(),
      })
    );
  }

  readonly toolbar = new Toolbar();

  protected override shown(): void {
    void this._model.check();
    void this._profiles.refresh();
    window.clearInterval(this._ticking);
    this._ticking = window.setInterval(() => this._tick(), TICK_MS);
  }

  protected override onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    window.clearInterval(this._ticking);
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    window.clearInterval(this._ticking);
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this._profiles.changed}>
        {() => <UseSignal signal={this._model.changed}>{() => this._content()}</UseSignal>}
      </UseSignal>
    );
  }

  private _content(): React.ReactElement {
    const { snapshot } = this._model;
    const nobody = snapshot.status !== null && snapshot.status.credentials === undefined;
    return (
      <>
        {nobody && <FirstUse trans={this._trans} />}
        <StatusFacts snapshot={snapshot} trans={this._trans} />
        <ProfileChoice
          profiles={this._profiles.profiles}
          trans={this._trans}
          onChoose={name => void this._choose(name)}
        />
      </>
    );
  }

  private async _choose(profile: string | null): Promise<void> {
    try {
      await this._profiles.choose(profile);
    } catch (error) {
      await tell(this._trans.__('The profile could not be chosen'), error, this._trans);
    }
    await this._model.check();
  }

  /** The time that is left is another one; where a token has ended, whether there is a new one is asked. */
  private _tick(): void {
    const ends = this._model.snapshot.status?.credentials_expire_at;
    if (ends !== undefined && ends * 1000 < Date.now() && this._model.snapshot.health.kind === 'ok') {
      void this._model.check();
    }
    this.update();
  }

  private readonly _profiles = new ProfilesModel();
  private _ticking = 0;
}
