import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, newId, systemClock, systemRandom } from '@ngome/kernel'
import { createLogger } from '@ngome/runtime'
import { failureTeller, linesPerSMax } from './tell-failures.ts'

type Line = { readonly level: number; readonly untold?: number; readonly alarm?: boolean; readonly requestId: string; readonly err: { readonly code: string } }

function scene() {
  const lines: Line[] = []
  const time = { nowMs: 5_000 }
  const logger = createLogger({ process: 'gateway', level: 'trace', destination: { write: (line: string) => void lines.push(JSON.parse(line) as Line) } })
  const tell = failureTeller({ logger, monotonicMs: () => time.nowMs })
  const fail = (code: 'access/lease_lost' | 'gateway/internal', count: number): void => {
    for (let at = 0; at < count; at++) tell(new Fault(code, 'x'), newId('request', { clock: systemClock, random: systemRandom }))
  }
  return { lines, time, fail }
}

test('a failure is told with its request, and a bug is an alarm', () => {
  const { lines, fail } = scene()
  fail('access/lease_lost', 1)
  fail('gateway/internal', 1)
  assert.deepEqual(lines.map(({ alarm, untold }) => [alarm, untold]), [[undefined, undefined], [true, undefined]])
  assert.ok(lines.every(({ requestId }) => requestId.startsWith('req_')))
})

test('whoever sends thousands of requests while nobody is served fills no disk, and hides no other failure', () => {
  const { lines, time, fail } = scene()
  fail('access/lease_lost', 5_000)
  assert.equal(lines.length, linesPerSMax)
  fail('gateway/internal', 1)
  assert.equal(lines.at(-1)?.alarm, true)
  time.nowMs += 1_000
  fail('access/lease_lost', 1)
  assert.equal(lines.at(-1)?.untold, 5_000 - linesPerSMax)
  fail('access/lease_lost', 1)
  assert.equal(lines.at(-1)?.untold, undefined, 'each is counted once')
})
