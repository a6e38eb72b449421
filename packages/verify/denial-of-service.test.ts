import assert from 'node:assert/strict'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { ManualClock } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { slowAndGreedyClientsAreCut } from './probes/slow-and-greedy-clients-are-cut.ts'
import { runProbes } from './run-probes.ts'

let authority: TestAuthority
let identity: { cert: string; key: string }

before(async () => {
  authority = await TestAuthority.create()
  const { csr, privateKey } = await newCertificateRequest('gateway')
  identity = { cert: await authority.issue(csr, 'gateway'), key: privateKey.expose((key) => key) }
})

const sound = { headersTimeout: 800, requestTimeout: 900, connectionsCheckingInterval: 100, maxHeaderSize: 8_192 }

const cases: readonly (readonly [claim: string, expected: string, options: ServerOptions, connectionsMax: number, answerMs: number])[] = [
  ['a server with every bound holds', 'holds', sound, 256, 0],
  ['one that lets slow clients hold it fails', 'fails', { ...sound, headersTimeout: 30_000, requestTimeout: 30_000 }, 256, 0],
  ['one that takes a large head fails', 'fails', { ...sound, maxHeaderSize: 65_536 }, 256, 0],
  ['one that takes every connection fails', 'fails', sound, 10_000, 0],
  ['one that lets honest clients wait fails', 'fails', sound, 256, 1_200],
]
for (const [claim, expected, options, connectionsMax, answerMs] of cases) {
  test(claim, async (t) => {
    const server = createServer({ ...identity, minVersion: 'TLSv1.3', ...options }, (_request, response) => {
      setTimeout(() => response.end('{}'), answerMs)
    })
    server.maxConnections = connectionsMax
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const gateway = { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
    const [result] = await runProbes([slowAndGreedyClientsAreCut], { gateway, authority: authority.pem, slowEndMsMax: 2_500 }, new ManualClock(0))
    assert.equal(result?.status, expected, result?.evidence ?? 'no result')
  })
}

test('a gateway that is not there is not one that holds', async () => {
  const gateway = { name: 'gateway', host: '127.0.0.1', port: 1 }
  const [result] = await runProbes([slowAndGreedyClientsAreCut], { gateway, authority: authority.pem }, new ManualClock(0))
  assert.equal(result?.status, 'unchecked')
})
