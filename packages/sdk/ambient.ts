// The one file of this package that touches what surrounds it: clock, dice and globals.

export const ambientClock = {
  nowMs: (): number => Date.now(),
  elapsedMs: (): number => performance.now(),
}

export const ambientDice = {
  random: (): number => Math.random(),
  uuid: (): string => crypto.randomUUID(),
}

/** Through the globals at each call, so that a page's or a test's timers are the ones that count. */
export function ambientAfter(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms)
  return () => clearTimeout(timer)
}

/** A page, or a worker of one: whoever visits can read what is loaded there. */
export function isBrowser(scope: object = globalThis): boolean {
  return ('window' in scope && 'document' in scope) || 'WorkerGlobalScope' in scope
}

export function ambientEnvironment(name: string): string | undefined {
  return (globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> } }).process?.env?.[name]
}

export function ambientFetch(url: string, init: RequestInit): Promise<Response> {
  return globalThis.fetch(url, init)
}

/** To whoever listens to Node's `warning` event, or the console. */
export function emitWarning(message: string): void {
  const { process, console } = globalThis as {
    readonly process?: { readonly emitWarning?: (message: string, type: string) => void }; readonly console: Pick<Console, 'warn'>
  }
  if (process?.emitWarning !== undefined) process.emitWarning(message, 'NgomeWarning')
  else console.warn(message)
}
