import { SendingWitness } from '../payments/sending-witness.ts'

/** A process's own time, as `main.ts` gives it. */
export function processTime(): { readonly monotonicMs: () => number; readonly witness: SendingWitness } {
  const monotonicMs = (): number => performance.now()
  return { monotonicMs, witness: new SendingWitness(monotonicMs) }
}
