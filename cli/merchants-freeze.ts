import type { Command } from './command.ts'
import { setFrozen } from './operator/set-frozen.ts'

export const merchantsFreeze: Command = {
  name: 'merchants freeze',
  summary: 'Freeze a merchant: within seconds no key of it is accepted.',
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: {},
  run: (context, given) => setFrozen(context, given, true),
}
