import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { createLogger } from '@ngome/runtime'
import { waitForShares } from './wait-for-shares.ts'

class Host extends EventEmitter {
  readonly connected = true
  readonly sent: unknown[] = []
  send(message: unknown): void {
    this.sent.push(message)
  }
}

function made(): { host: Host; waiting: ReturnType<typeof waitForShares>; log: string[] } {
  const host = new Host()
  const log: string[] = []
  const logger = createLogger({ process: 'test', level: 'info', destination: { write: (line) => void log.push(line) } })
  return { host, log, waiting: waitForShares(logger, host as unknown as NodeJS.Process) }
}

test('tells the launcher what it waits for, in each phase, and when it waits no more', () => {
  const { host, waiting, log } = made()
  for (const [phase, have, need] of [['unmade', 0, 0], ['making', 0, 0], ['collecting', 0, 2], ['collecting', 1, 2], ['collecting', 2, 2], ['collecting', 0, 2]] as const) {
    waiting.progress({ phase, have, need })
  }
  assert.deepEqual(host.sent, [
    { type: 'waiting', reason: 'its root key: make it with "ngome keys ceremony --init --shares 3 --threshold 2"' },
    { type: 'waiting', reason: 'its shares, which are being handed out' },
    { type: 'waiting', reason: 'shares 0 of 2: each holder enters his own with "ngome keys ceremony"' },
    { type: 'waiting', reason: 'shares 1 of 2: each holder enters his own with "ngome keys ceremony"' },
    { type: 'starting' },
    { type: 'waiting', reason: 'shares 0 of 2: each holder enters his own with "ngome keys ceremony"' },
  ])
  waiting.refused('wrong_root')
  waiting.failed(new Error('no space'))
  assert.match(log.at(-2) ?? '', /"reason":"wrong_root".*refused at the ceremony/)
  assert.match(log.at(-1) ?? '', /the ceremony failed/)
})

for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) {
  test(`gives up on ${event}, once it waits; a process that never waited listens for nothing`, () => {
    const { host, waiting } = made()
    assert.equal(host.listenerCount(event), 0)
    waiting.progress({ phase: 'collecting', have: 0, need: 2 })
    waiting.progress({ phase: 'collecting', have: 1, need: 2 })
    assert.equal(host.listenerCount(event), 1)
    host.emit(event)
    assert.equal(waiting.signal.aborted, true)
  })
}
