import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@ngome/kernel'
import { createLogger, type CustodianClient } from '@ngome/runtime'
import { endSigner } from './end-signer.ts'

const answering = (call: CustodianClient['call']): CustodianClient => ({ call, close: () => undefined })

test('tells the custodian that its signer has ended, and does not wait for one that is away', async () => {
  const lines: string[] = []
  const logger = createLogger({ process: 'gateway', level: 'warn', destination: { write: (line) => void lines.push(line) } })
  const calls: unknown[] = []
  await endSigner(answering(async (path, body, options) => {
    calls.push([path, body, options])
    return {} as never
  }), logger)
  assert.deepEqual(calls, [['/v1/end-signer', {}, { timeoutMs: 400 }]])
  assert.deepEqual(lines, [])
  await endSigner(answering(async () => Promise.reject(new Fault('custodian/unavailable', 'away'))), logger)
  assert.match(lines.join(''), /could not be told/)
})
