import { serveCalls } from '../../src/worker/index.ts'

// Answers with what it is told; ends in the ways in which a thread can.
serveCalls((request: string): string => {
  if (request === 'throw') throw new RangeError('thrown by the thread')
  if (request === 'exit') process.exit(3)
  while (request === 'forever');
  return `${request}!`
})
