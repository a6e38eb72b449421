import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { askSecret } from './ask-secret.ts'
import { Misuse } from './command.ts'

/** A terminal that one types into. */
class Terminal extends EventEmitter {
  readonly isTTY: boolean
  readonly modes: boolean[] = []

  constructor(isTTY = true) {
    super()
    this.isTTY = isTTY
  }

  setRawMode(isRaw: boolean): this {
    this.modes.push(isRaw)
    return this
  }

  resume = (): this => this
  pause = (): this => this
  setEncoding = (): this => this
}

async function typed(...chunks: readonly string[]): Promise<{ readonly answer: string; readonly shown: string }> {
  const terminal = new Terminal()
  let shown = ''
  const asked = askSecret(terminal as never, { write: (text) => (shown += text) }, 'passphrase')
  for (const chunk of chunks) terminal.emit('data', chunk)
  try {
    return { answer: (await asked).expose((text) => text), shown }
  } finally {
    assert.deepEqual(terminal.modes, [true, false], 'the terminal is as it was')
    assert.equal(terminal.listenerCount('data'), 0)
  }
}

test('what is typed is not shown', async () => {
  assert.deepEqual(await typed('cor', 'rect h\r'), { answer: 'correct h', shown: 'passphrase: \n' })
  assert.deepEqual((await typed('ab\u007fc\n')).answer, 'ac')
})

test('whoever gives up is obeyed', async () => {
  for (const key of ['\u0003', '\u0004']) await assert.rejects(typed('ab', key), Misuse)
})

test('without a terminal nothing is asked', async () => {
  await assert.rejects(askSecret(new Terminal(false) as never, { write: () => true }, 'passphrase'), Misuse)
})
