import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { testDatabase } from '@ngome/testkit'
import { TestPlatform } from './test-platform.ts'

test('a gateway whose port is taken fails whoever waits for it at once, with what it said', { timeout: 60_000 }, async (t) => {
  const database = await testDatabase()
  const platform = await TestPlatform.create(database)
  const holder = createServer().listen(platform.folders.ports.gateway, '127.0.0.1')
  t.after(async () => {
    holder.close()
    await platform.close()
    await database.close()
  })
  const gateway = platform.startGateway({ hasChannel: false })
  await assert.rejects(gateway.untilSo('answer', () => false, 600_000), /the gateway ended with 1\n[^]*EADDRINUSE/)
})
