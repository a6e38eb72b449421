import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, type FaultCode } from '@ngome/kernel'
import { createLogger } from '../logs/create-logger.ts'
import { untilItStands } from './until-it-stands.ts'

function run(failures: readonly Error[]): { ended: Promise<string>; lines: string[] } {
  const lines: string[] = []
  const logger = createLogger({ process: 'test', level: 'warn', destination: { write: (line: string) => void lines.push(line) } })
  const left = [...failures]
  const ended = untilItStands('the custodian', logger, () => {
    const failure = left.shift()
    return failure === undefined ? Promise.resolve('stands') : Promise.reject(failure)
  })
  return { ended, lines }
}

test('waits while the custodian or the database is away, and says so each time', async () => {
  const codes: readonly FaultCode[] = ['custodian/unavailable', 'store/unavailable']
  const { ended, lines } = run(codes.map((code) => new Fault(code, 'away')))
  assert.equal(await ended, 'stands')
  assert.equal(lines.filter((line) => line.includes('waiting for the custodian')).length, 2)
})

for (const failure of [new Fault('custodian/refused', 'no'), new TypeError('a bug')]) {
  test(`does not wait for what no time heals: ${failure.message}`, async () => {
    const { ended, lines } = run([failure])
    await assert.rejects(ended, failure)
    assert.deepEqual(lines, [])
  })
}
