import { Fault } from '@ngome/kernel'

/** A check that takes longer is itself the answer. */
const checkTimeoutMs = 2000

/** Answers why the process is not ready, or `null`. A fault that is thrown counts by its code. */
export type ReadinessCheck = () => Promise<string | null> | string | null

export type Readiness = {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, { readonly ready: boolean; readonly reason: string | null }>>
}

/** Runs all checks at once; each in its own time limit. */
export async function checkReadiness(checks: Readonly<Record<string, ReadinessCheck>>): Promise<Readiness> {
  const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => {
    const reason = await reasonOf(check)
    return [name, { ready: reason === null, reason }] as const
  }))
  return { ready: results.every(([, { ready }]) => ready), checks: Object.fromEntries(results) }
}

async function reasonOf(check: ReadinessCheck): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer in ${checkTimeoutMs} ms`), checkTimeoutMs)
  })
  try {
    return await Promise.race([(async () => check())(), late])
  } catch (error) {
    return error instanceof Fault ? error.code : 'the check failed'
  } finally {
    clearTimeout(timer)
  }
}
