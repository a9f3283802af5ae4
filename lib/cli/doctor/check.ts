/** `ok`; `note`: to know; `wrong`: to mend. */
export type CheckStatus = 'ok' | 'note' | 'wrong';

export type CheckGroup =
  | 'runtime'
  | 'support'
  | 'client certificates'
  | 'environment'
  | 'development certificate'
  | 'packages';

/** One thing that was looked at. JSON-safe. */
export interface Check {
  readonly group: CheckGroup;
  /** Stable. */
  readonly code: string;
  readonly status: CheckStatus;
  readonly message: string;
  readonly remedy?: string;
}

export const ok = (group: CheckGroup, code: string, message: string): Check => ({
  group,
  code,
  status: 'ok',
  message,
});

export const note = (group: CheckGroup, code: string, message: string, remedy?: string): Check => ({
  group,
  code,
  status: 'note',
  message,
  ...(remedy !== undefined && { remedy }),
});

export const wrong = (group: CheckGroup, code: string, message: string, remedy: string): Check => ({
  group,
  code,
  status: 'wrong',
  message,
  remedy,
});
