import type { CommandHandler } from '../handlers.ts'
export const runDemo: CommandHandler<'demo'> = async () => {}
