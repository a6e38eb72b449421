import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Platform } from '@ngome/testkit'

type Result = {
  readonly phone: string
  readonly status: string
  readonly failure: string | null
  readonly isWebhookVerified: boolean
  readonly isAsExpected: boolean
}

test('the demonstration takes three payments to their three ends, each with a signed webhook, and leaves nothing', async (t) => {
  const platform = await Platform.create()
  t.after(() => platform.remove())
  const { code, stdout, stderr } = await platform.run('demo', '--json')
  assert.equal(code, 0, stderr)
  const results = JSON.parse(stdout) as readonly Result[]
  assert.deepEqual(results.map(({ phone, status, failure }) => [phone, status, failure]), [
    ['+46733123499', 'succeeded', null],
    ['+46733123451', 'failed', 'payer_refused'],
    ['+46733123452', 'failed', 'payer_timed_out'],
  ])
  assert.ok(results.every(({ isWebhookVerified, isAsExpected }) => isWebhookVerified && isAsExpected))
  assert.match(stderr, /PostgreSQL has stopped/)
})
