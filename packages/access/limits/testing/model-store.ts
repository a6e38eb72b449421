import { usUntil } from '../pace.ts'
import type { Grant, Want } from '../token-store.ts'

/** What the script in the store does, in the words of a test: the model that the script is held to. */
export class ModelStore {
  readonly #buckets = new Map<string, { level: number; atUs: number }>()
  #beganUs: number

  constructor(beganUs: number) {
    this.#beganUs = beganUs
  }

  /** As a server that starts without what it kept. */
  forget(nowUs: number): void {
    this.#buckets.clear()
    this.#beganUs = nowUs
  }

  take(wants: readonly Want[], nowUs: number): readonly Grant[] {
    const levels = wants.map(({ bucket, pace, debt }) => {
      const kept = this.#buckets.get(bucket) ?? { level: 0, atUs: this.#beganUs }
      const level = Math.min(pace.capacity, kept.level + Math.max(0, nowUs - kept.atUs) * pace.gain)
      return { level: Math.max(-pace.capacity, level - debt), atUs: Math.max(kept.atUs, nowUs) }
    })
    const areMet = wants.every(({ need }, at) => (levels[at]?.level ?? 0) >= need)
    return wants.map(({ bucket, pace, need, want }, at) => {
      const { level, atUs } = levels[at] ?? { level: 0, atUs: nowUs }
      const taken = areMet ? Math.max(0, Math.min(want, level)) : 0
      this.#buckets.set(bucket, { level: level - taken, atUs })
      return { taken, level: level - taken, waitUs: usUntil(need - level, pace.gain) }
    })
  }
}
