/** What is said by a warning of the process (`process.on('warning')`), where nobody waits for an answer. Stable. */
export type WarningCode =
  /** A client has one pin alone: if that key is lost, no server can be reached. */
  | 'PORTCULLIS_NO_BACKUP_PIN'
  /** Changed files of a client could not be taken, or a reload has failed: the last good configuration stays. */
  | 'PORTCULLIS_RELOAD_FAILED'
  /** A revocation list of a client is gone, or older than the one that serves: that one stays, but for a reload by hand. */
  | 'PORTCULLIS_REVOCATION'
  /** A subscriber of a diagnostics channel has thrown, or its promise was rejected. */
  | 'PORTCULLIS_SUBSCRIBER_THREW'
  /** Files of a client cannot be watched by the file system’s events, or not at all. */
  | 'PORTCULLIS_WATCH';

export const warnProcess = (code: WarningCode, message: string): void =>
  process.emitWarning(message, { code });
