import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@ngome/kernel'
import { NotReached, type Probe } from './probe.ts'
import { unchecked, type Verdict } from './verdict.ts'

/** A result, with the time of the look. */
export type ProbeResult = Verdict & { readonly probe: string; readonly checkedAt: string }

const atOnce = 4
const timeMsMaxDefault = 20_000

/** Runs probes, some at once, each within its bound; one that cannot run leaves its promise unchecked. */
export async function runProbes<Target>(
  probes: readonly Probe<Target>[],
  target: Target,
  clock: Clock,
  onResult: (result: ProbeResult) => void = () => undefined,
): Promise<ProbeResult[]> {
  const waiting = [...probes]
  const results: ProbeResult[] = []
  const lane = async (): Promise<void> => {
    for (let probe = waiting.shift(); probe !== undefined; probe = waiting.shift()) {
      const verdict = await runBounded(probe, target)
      const result = { probe: probe.id, ...verdict, checkedAt: new Date(clock.nowMs()).toISOString() }
      results.push(result)
      onResult(result)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return results
}

async function runBounded<Target>(probe: Probe<Target>, target: Target): Promise<Verdict> {
  const timeMsMax = probe.timeMsMax ?? timeMsMaxDefault
  const isOver = new AbortController()
  const limit = sleep(timeMsMax, unchecked(`did not end within ${timeMsMax / 1000} s`), { signal: isOver.signal })
  limit.catch(() => undefined)
  try {
    return await Promise.race([probe.run(target), limit])
  } catch (error) {
    return unchecked(error instanceof NotReached ? error.message : `the probe broke: ${describe(error)}`)
  } finally {
    isOver.abort()
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
