import type { ITranslator } from '@jupyterlab/translation';
import { AccordionToolbar, SidePanel } from '@jupyterlab/ui-components';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { AccordionPanel, type Widget } from '@lumino/widgets';

import { DOMAIN } from './domain';
import { dataSphereIcon } from './icons';
import type { ISidebar, Section } from './tokens';

export const SIDEBAR_ID = 'jupyter-datasphere-sidebar';

/** The panel at the side, an accordion of sections in the order of their ranks. */
export class Sidebar extends SidePanel implements ISidebar {
  /** `reveal` shows the panel, wherever the shell has it. */
  constructor(
    private readonly _reveal: () => void,
    translator: ITranslator
  ) {
    const trans = translator.load(DOMAIN);
    const accordion = new AccordionPanel({ layout: AccordionToolbar.createLayout({}) });
    super({ content: accordion, translator });
    this._accordion = accordion;
    accordion.expansionToggled.connect((_, place) => this._giveRoom(place));
    this.id = SIDEBAR_ID;
    this.addClass('jp-DataSphere-Sidebar');
    this.title.icon = dataSphereIcon;
    this.title.caption = trans.__('DataSphere');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('DataSphere'));
  }

  addSection(section: Section): IDisposable {
    const { id, title, rank, widget } = section;
    const place = this._sections.filter(other => other.rank <= rank).length;
    widget.id = `${SIDEBAR_ID}-${id}`;
    widget.title.label = title;
    widget.addClass('jp-DataSphere-Section');
    this._sections.splice(place, 0, section);
    this.insertWidget(place, widget);
    this._order();
    if (section.unfolded !== true) {
      this._accordion.collapse(place);
    }
    return new DisposableDelegate(() => {
      this._sections = this._sections.filter(other => other !== section);
      widget.parent = null;
    });
  }

  open(id?: string, focus?: () => void): void {
    this._reveal();
    const place = this._sections.findIndex(section => section.id === id);
    if (place >= 0) {
      this._accordion.expand(place);
    }
    // The palette activates what is in front when it closes, which it does before this goes on.
    void Promise.resolve().then(() => {
      this._focus = focus ?? (() => this._accordion.titles[Math.max(place, 0)]?.focus());
      this.activate();
    });
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this._focus?.();
    this._focus = null;
  }

  /** The keyboard comes to the sections in the order in which they are seen, whichever was added first. */
  private _order(): void {
    this._accordion.widgets.forEach((widget, place) => {
      const title = this._accordion.titles[place];
      if (title !== undefined) {
        this._accordion.node.append(title, widget.node);
      }
    });
  }

  /** A section that was unfolded before the panel was seen for the first time has no height yet. */
  protected override onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this._accordion.relativeSizes().forEach((size, place) => {
      if (size === 0) {
        this._giveRoom(place);
      }
    });
  }

  /** A section that was never unfolded would get no height at all where others have it all. */
  private _giveRoom(place: number): void {
    const sizes = this._accordion.relativeSizes();
    const unfolded = this._accordion.widgets.filter(widget => !widget.isHidden).length;
    const share = 1 / unfolded;
    if (this._accordion.widgets[place]?.isHidden === false && (sizes[place] ?? 0) < share / 2) {
      this._accordion.setRelativeSizes(sizes.map((size, other) => (other === place ? share : size * (1 - share))));
    }
  }

  private readonly _accordion: AccordionPanel;
  /** Puts the keyboard where it is wanted, where that was said. */
  private _focus: (() => void) | null = null;
  private _sections: Section[] = [];
}
