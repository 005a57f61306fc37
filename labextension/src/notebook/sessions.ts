import type { Settings } from '../settings';

/** The session that `%%ds_execute` uses. */
export const MAIN = 'main';

/**
 * The session in which the cells of a notebook run: that of `%%ds_execute`, so that both share variables, or one
 * named for the notebook's path, whichever kernel it has here. A name has up to 64 letters, digits, `_`, `-`, `.`.
 */
export function sessionOf(path: string, { session }: Settings): string {
  if (session === 'main') {
    return MAIN;
  }
  const name = path.replace(/\.ipynb$/, '').replace(/[^A-Za-z0-9_-]+/g, '-');
  return `${name.slice(-48)}.${hash(path)}`;
}

/** FNV-1a, 32 bits: two paths that look alike as names differ by it. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  }
  return value.toString(16).padStart(8, '0');
}
