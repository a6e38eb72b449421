import { setPriority } from 'node:os'
import { attacks, type Harvest, type Target } from './attacks.ts'

/** What the attacker's process is told to do, and for how long. */
export type AttackOrder = Omit<Target, 'isOver'> & { readonly attack: string; readonly durationMs: number }

/** Behind everybody else on the machine: an attacker brings his own, and ours is to attack, not to compute. */
const niceness = 10

process.on('message', (order: AttackOrder) => void run(order).then((harvest) => process.send?.(harvest)))
process.once('disconnect', () => process.exit())
setPriority(niceness)

async function run({ attack, durationMs, ...target }: AttackOrder): Promise<Harvest> {
  const endsAtMs = performance.now() + durationMs
  const harvest: Harvest = { connections: 0, answers: {} }
  await attacks[attack]?.({ ...target, isOver: () => performance.now() >= endsAtMs }, harvest)
  return harvest
}
