import { addressOf, type Endpoint } from '@ngome/runtime'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import { exchangePlain } from '../wire/exchange.ts'

/** What a client without TLS says first, in the two HTTP versions that have a plain form. */
const openings = [
  'GET /v1/payments HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'GET / HTTP/1.0\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
] as const

export const plainHttpReachesNothing: Probe<{ readonly listeners: readonly Endpoint[] }> = {
  id: 'plain-http-reaches-nothing',
  source: import.meta.filename,
  does: 'Speaks HTTP/1.0, HTTP/1.1 and HTTP/2 without TLS to every listener. Not one byte of HTTP may come back.',
  run: async ({ listeners }) => {
    for (const listener of listeners) {
      for (const opening of openings) {
        const { bytes } = await exchangePlain(listener, Buffer.from(opening, 'latin1'))
        // TLS 1.3 answers nonsense with an alert, which is a record of type 21 (RFC 8446 §5.1), or with silence.
        if (bytes.length > 0 && bytes[0] !== 21) {
          return fails(`${addressOf(listener)} answers plain HTTP: ${JSON.stringify(bytes.subarray(0, 40).toString('latin1'))}`)
        }
      }
    }
    return holds(`${openings.length} plain openings to ${listeners.map(({ name }) => name).join(', ')}: nothing but TLS alerts came back`)
  },
}
