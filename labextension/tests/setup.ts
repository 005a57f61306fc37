/** What a browser has, jsdom has not, and JupyterLab's packages want to be there when they are loaded. */

const browser = globalThis as unknown as Record<string, unknown>;
browser.DragEvent ??= function DragEvent() { /* is there */ };
browser.matchMedia ??= () => ({ matches: false, addEventListener: () => undefined });
