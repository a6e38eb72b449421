import { setTimeout as sleep } from 'node:timers/promises'

export type Seen = { readonly serial: string; readonly isOrdered: boolean; readonly isStapled: boolean }

const everyMs = 50

/** Shakes hands all the time, and keeps what went wrong by what happened meanwhile; a gateway that is killed may drop who is with it. */
export function keepShakingHands(look: () => Promise<Seen>): {
  readonly begin: (moment: string) => void
  readonly end: (tell: (line: string) => void) => Promise<readonly string[]>
} {
  let [moment, isOver, count] = ['the start', false, 0]
  const failed = new Map<string, string[]>()
  const done = (async () => {
    while (!isOver) {
      const during = moment
      await look().catch((error: unknown) => { failed.set(during, [...failed.get(during) ?? [], error instanceof Error ? error.message : 'unknown']) })
      count++
      await sleep(everyMs)
    }
  })()
  return {
    begin: (next) => { moment = next },
    end: async (tell) => {
      isOver = true
      await done
      tell(`${count} handshakes; failed: ${[...failed].map(([during, errors]) => `${errors.length} during ${during} (${[...new Set(errors)].join(', ')})`).join('; ') || 'none'}`)
      return [...failed].filter(([during]) => !during.startsWith('kill -9 of the gateway')).map(([during, errors]) => `handshakes failed during ${during}: ${errors.join(', ')}`)
    },
  }
}
