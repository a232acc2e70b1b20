/** What the shell learns from a command. 130 and 143 follow the shells: 128 plus the signal's number. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  verification: 3,
  noSource: 4,
  storage: 5,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
