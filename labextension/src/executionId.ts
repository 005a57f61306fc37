const ID = /^[0-9a-f]{16}$/;

/** An ID for an execution that is about to be started. */
export function newExecutionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether something that came from a file, say, is the ID of an execution. */
export function isExecutionId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}
