/**
 * Where a component reports what happened: one typed event, once.
 * Logs, metrics and status are all derived from these by `observability`; nothing else counts or logs them.
 */
export interface Reporter<Event extends { readonly type: string }> {
  report(event: Event): void
}

/** Drops everything. */
export const silentReporter: Reporter<{ readonly type: string }> = { report() {} }
