import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { attacks, type Harvest, type Target, type Unit } from './attacks.ts'

/** What the attacker's process is told to do: for how long until it counts, and for how long after that. */
export type AttackOrder = Omit<Target, 'isOver'> & { readonly attack: string; readonly rampMs: number; readonly durationMs: number; readonly niceness: number }
/** What came of it after the ramp. */
export type AttackReport = { readonly units: number; readonly seconds: number; readonly connections: number; readonly answers: Readonly<Record<string, number>> }

process.on('message', (order: AttackOrder) => void run(order).then((report) => process.send?.(report)))
process.once('disconnect', () => process.exit())

async function run({ attack, rampMs, durationMs, niceness, ...target }: AttackOrder): Promise<AttackReport> {
  setPriority(niceness)
  const { unit, run: begin } = attacks[attack] ?? nobody
  const beganAtMs = performance.now()
  const harvest: Harvest = { connections: 0, answers: {}, bytesSent: 0 }
  const before = sleep(rampMs).then(() => unitsOf(unit, harvest))
  await begin({ ...target, isOver: () => performance.now() - beganAtMs >= rampMs + durationMs }, harvest)
  const { connections, answers } = harvest
  return { units: unitsOf(unit, harvest) - await before, seconds: (performance.now() - beganAtMs - rampMs) / 1_000, connections, answers }
}

const nobody = { unit: 'turn', run: async () => undefined } as const

function unitsOf(unit: Unit, { connections, answers, bytesSent }: Harvest): number {
  switch (unit) {
    case 'turn': return 0
    case 'connection': return connections
    case 'answer': return Object.values(answers).reduce((sum, count) => sum + count, 0)
    case 'megabyte': return bytesSent / 1e6
    default: return unit satisfies never
  }
}
