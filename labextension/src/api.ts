/**
 * The types of the server extension's own HTTP API, as jupyter_datasphere/protocol.py has them.
 *
 * Written by hand until the server writes an openapi.yaml, from which they will be generated. A field that
 * has its default value is left out on the wire: hence the question marks.
 */

export interface Problem {
  readonly code: string;
  readonly title: string;
  readonly status?: number;
  readonly hint?: string;
  readonly request_id?: string;
}

export interface ProjectInfo {
  readonly id: string;
  readonly name: string;
  readonly community_id?: string;
  /** Left out: no limit set, not asked, or hidden. */
  readonly unit_balance?: number;
  /** The service does not show the balance to this account. */
  readonly balance_hidden?: boolean;
  /** Channel to the word "ok" or the reason why it cannot be used. */
  readonly channels?: Readonly<Record<string, string>>;
}

/** Answer of `GET /datasphere/status`. */
export interface ServerStatus {
  readonly version: string;
  readonly endpoint: string;
  /** Where the IAM token comes from, in words. */
  readonly credentials?: string;
  /** Seconds since the epoch. */
  readonly credentials_expire_at?: number;
  /** The named credentials in force, if any are chosen. */
  readonly profile?: string;
  readonly connection?: 'ok' | 'failed';
  readonly problem?: Problem;
  readonly project?: ProjectInfo;
  readonly running?: number;
}

export type State =
  | 'queued'
  | 'staged'
  | 'submitted'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'lost'
  | 'unknown';

export type Source =
  | { readonly type: 'code'; readonly source: string; readonly session?: string }
  | { readonly type: 'notebook'; readonly path: string; readonly session?: string; readonly direct?: boolean }
  | { readonly type: 'cell'; readonly cell_id: string };

/** One run that the user asked for. */
export interface Execution {
  readonly id: string;
  readonly state: State;
  readonly project_id: string;
  readonly project_name?: string;
  readonly source: Source;
  readonly spec: string;
  readonly channel: string;
  readonly created_at: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  readonly units?: number;
  readonly operation_id?: string;
  readonly problem?: Problem;
  readonly last_event?: number;
}
