/** Text of others in one line: what would turn the direction of what follows, or is not seen, is shown. */
export function visible(text: string): string {
  return text.replace(/\p{C}|(?! )\p{Z}/gu, '\ufffd');
}

/** A name with its ID, or the ID alone where nothing else is known. */
export function named({ id, name }: { readonly id: string; readonly name?: string }): string {
  return name === undefined || name === '' || name === id ? id : `${visible(name)} (${id})`;
}
