import type { Clock } from '@ngome/kernel'

/** Tells what happens, each line with the time since the start. */
export type Tell = (text: string) => void

export function tellWithTimes(clock: Clock, write: (line: string) => void): Tell {
  const startedAtMs = clock.nowMs()
  return (text) => {
    const seconds = ((clock.nowMs() - startedAtMs) / 1000).toFixed(1).padStart(6)
    for (const line of text.split('\n')) write(`${seconds} s  ${line}`)
  }
}
