import { randomFillSync } from 'node:crypto'

/** Where unpredictable bytes come from; passed in, so that a simulation can replay them. */
export type Random = {
  bytes(length: number): Uint8Array
}

/** The operating system's generator, through OpenSSL's CSPRNG. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
}
