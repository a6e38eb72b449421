import type { Command } from './command.ts'
import { setFrozen } from './operator/set-frozen.ts'

export const merchantsUnfreeze: Command = {
  name: 'merchants unfreeze',
  summary: 'Let a frozen merchant act again.',
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: {},
  run: (context, given) => setFrozen(context, given, false),
}
