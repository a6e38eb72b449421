import type { Command } from './command.ts'
import { up } from './up.ts'

/** Every command, in the order of the help page. */
export const commands: readonly Command[] = [up]
