/** What an error says, for events and status. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
