import React from 'react';

/** Pixels that a line is high. */
export const LINE = 24;
/** Lines that are drawn above and below what is seen, so that scrolling meets no gap. */
const BEYOND = 8;

/** A line of a tree. */
export interface Line {
  readonly key: string;
  readonly level: number;
  /** Undefined: nothing can be below it. */
  readonly expanded?: boolean;
  readonly content: React.ReactNode;
}

interface Props {
  readonly label: string;
  /** What is searched for: where that is changed, the active line comes into view. */
  readonly search: string;
  readonly count: number;
  /** Asked for those that are seen only. */
  readonly line: (place: number) => Line;
  readonly active: number;
  /** The key of the line that is selected, which need not be the active one. */
  readonly selected: string | null;
  readonly onActive: (place: number) => void;
  /** A click, or the space bar. */
  readonly onSelect: (place: number) => void;
  /** A double click, or Enter. */
  readonly onOpen: (place: number) => void;
  readonly onExpand: (place: number, expanded: boolean) => void;
  readonly onMenu: (place: number, at: { readonly x: number; readonly y: number }) => void;
}

/**
 * A tree of as many lines as there may be: those that can be seen are drawn. The keyboard moves the active line,
 * as in JupyterLab's own lists.
 */
export function Tree(props: Props): React.ReactElement {
  const { label, search, count, active, line, selected } = props;
  const box = React.useRef<HTMLDivElement>(null);
  const [top, setTop] = React.useState(0);
  const [height, setHeight] = React.useState(0);
  const prefix = React.useId();

  React.useEffect(() => {
    const node = box.current;
    if (node === null) {
      return;
    }
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  const clicked = useDoubleClick(props.onOpen);

  const first = Math.max(0, Math.floor(top / LINE) - BEYOND);
  const last = Math.min(count, Math.ceil((top + height) / LINE) + BEYOND);
  const places = Array.from({ length: Math.max(0, last - first) }, (_, place) => first + place);

  const reveal = (place: number) => {
    const node = box.current;
    if (node !== null) {
      node.scrollTop = Math.min(Math.max(node.scrollTop, (place + 1) * LINE - node.clientHeight), place * LINE);
    }
  };
  React.useLayoutEffect(() => reveal(active), [search]);
  const move = (to: number) => {
    const place = Math.min(Math.max(to, 0), count - 1);
    props.onActive(place);
    reveal(place);
  };
  const rows = Math.max(1, Math.floor(height / LINE) - 1);
  const keys: Record<string, () => void> = {
    ArrowDown: () => move(active + 1),
    ArrowUp: () => move(active - 1),
    PageDown: () => move(active + rows),
    PageUp: () => move(active - rows),
    Home: () => move(0),
    End: () => move(count - 1),
    Enter: () => props.onOpen(active),
    ' ': () => props.onSelect(active),
    ArrowRight: () => (line(active).expanded === false ? props.onExpand(active, true) : move(active + 1)),
    ArrowLeft: () => {
      const { level, expanded } = line(active);
      if (expanded === true) {
        props.onExpand(active, false);
        return;
      }
      for (let place = active - 1; place >= 0; place--) {
        if (line(place).level < level) {
          move(place);
          return;
        }
      }
    },
  };

  return (
    <div
      ref={box}
      role="tree"
      aria-label={label}
      aria-activedescendant={active >= first && active < last ? `${prefix}${active}` : undefined}
      tabIndex={0}
      className="jp-DataSphere-tree"
      onScroll={event => setTop(event.currentTarget.scrollTop)}
      onKeyDown={event => {
        const { altKey, ctrlKey, metaKey, key } = event;
        const act = keys[key];
        if (act !== undefined && count > 0 && !altKey && !ctrlKey && !metaKey) {
          event.preventDefault();
          act();
        }
      }}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation(); // JupyterLab's own menu has nothing for a line
        const place = placeOf(event.target) ?? active;
        if (place < count) {
          const seen = document.getElementById(`${prefix}${place}`)?.getBoundingClientRect();
          const byMouse = event.clientX > 0 || event.clientY > 0;
          props.onActive(place);
          props.onMenu(
            place,
            byMouse || seen === undefined
              ? { x: event.clientX, y: event.clientY }
              : { x: seen.left + LINE, y: seen.bottom }
          );
        }
      }}
    >
      <div role="presentation" style={{ height: count * LINE }}>
        {places.map(place => {
          const { key, level, expanded, content } = line(place);
          return (
            <div
              key={key}
              id={`${prefix}${place}`}
              role="treeitem"
              aria-level={level}
              aria-expanded={expanded}
              aria-selected={key === selected}
              data-place={place}
              data-active={place === active || undefined}
              className="jp-DataSphere-line"
              style={{ height: LINE, transform: `translateY(${place * LINE}px)` }}
              onClick={() => {
                clicked.current = place;
                props.onActive(place);
                props.onSelect(place);
              }}
            >
              {content}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/**
 * The second click of a double click is for the line of the first one: what the first has made appear may be in its
 * place by then. Gives where to note the line that was clicked.
 */
function useDoubleClick(open: (place: number) => void): React.MutableRefObject<number | null> {
  const clicked = React.useRef<number | null>(null);
  const latest = React.useRef(open);
  latest.current = open;
  React.useEffect(() => {
    const look = (event: MouseEvent) => {
      if (event.detail < 2) {
        clicked.current = null; // where it is one of a line, that notes it next
      } else if (clicked.current !== null) {
        event.preventDefault();
        event.stopPropagation();
        if (event.detail === 2) {
          latest.current(clicked.current);
        }
      }
    };
    document.addEventListener('click', look, true);
    return () => document.removeEventListener('click', look, true);
  }, []);
  return clicked;
}

function placeOf(target: EventTarget): number | null {
  const line = target instanceof Element ? target.closest<HTMLElement>('[data-place]') : null;
  return line === null ? null : Number(line.dataset.place);
}
