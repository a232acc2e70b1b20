import type { CommandHandler } from '../handlers.ts'
export const runCache: CommandHandler<'cache'> = async () => {}
