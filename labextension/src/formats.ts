/** Numbers and times as they are written in JupyterLab's language, which it notes in the page. */

function language(): string | undefined {
  return document.documentElement.lang.replace('_', '-') || undefined;
}

/** A whole number, such as the API's, which come as text. */
export function whole(number: string | number): string {
  return BigInt(number).toLocaleString(language());
}

export function moment(at: Date, dateStyle: 'short' | 'medium' = 'medium'): string {
  return at.toLocaleString(language(), { dateStyle, timeStyle: 'short' });
}
