import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type pg from 'pg'
import { enterTenant } from './statement.ts'
import { preparedPool } from './prepared-pool.ts'

type Asked = { readonly name?: string; readonly text: string; readonly values: readonly unknown[] }

/** A pool of one connection that writes down what is written to it, `|` where a write ends. */
function written(fails: ReadonlyMap<string, string> = new Map()) {
  const lines: string[] = []
  const releases: (boolean | undefined)[] = []
  const client = {
    connection: { stream: { cork: () => undefined, uncork: () => void lines.push('|') } },
    query: async ({ name, text }: Asked) => {
      lines.push(`${name} ${text === entering.text ? 'enter' : text}`)
      const code = fails.get(text)
      if (code !== undefined) throw Object.assign(new Error(text), { code })
      return { command: text.toUpperCase(), rowCount: 0, rows: [{ text }] }
    },
    release: (destroy?: boolean) => void releases.push(destroy),
  }
  const pool = { options: {}, connect: async () => client as unknown as pg.PoolClient } as unknown as pg.Pool
  return { lines, releases, pool: preparedPool(pool) }
}

const entering = enterTenant({ merchant: 'mer_1' as never, world: 'test' })
const run = async (pool: ReturnType<typeof written>['pool'], ...texts: string[]): Promise<void> => {
  const client = await pool.connect()
  try {
    for (const text of texts) await client.query(text, [])
  } finally {
    client.release()
  }
}

describe('a prepared transaction', () => {
  test('begins in one write with its first question, and prepares each text once', async () => {
    const { lines, pool } = written()
    await run(pool, 'begin', entering.text, 'a', 'b', 'commit')
    await run(pool, 'begin', entering.text, 'a', 'commit')
    assert.deepEqual(lines.join(' '), 'kept_1 begin kept_2 enter kept_3 a | kept_4 b | kept_5 commit | kept_1 begin kept_2 enter kept_3 a | kept_5 commit |')
  })
  test('that asks nothing sends nothing, and leaves nothing to the next one', async () => {
    const { lines, pool } = written()
    await run(pool, 'begin', entering.text, 'commit')
    await run(pool, 'begin', 'rollback')
    await run(pool, 'begin')
    await run(pool, 'a')
    assert.deepEqual(lines, ['kept_1 a', '|'])
  })
  test('says of what was sent together what failed first, and is rolled back', async () => {
    const { lines, releases, pool } = written(new Map([[entering.text, '57014'], ['a', '25P02']]))
    const client = await pool.connect()
    await client.query('begin', [])
    await client.query(entering.text, [])
    await assert.rejects(client.query('a', []), { code: '57014' })
    await client.query('rollback', [])
    client.release()
    assert.deepEqual([lines.at(-2), releases], ['kept_4 rollback', [false]])
  })
  test('whose statement a migration has outdated takes its connection with it', async () => {
    const { releases, pool } = written(new Map([['a', '0A000']]))
    await assert.rejects(run(pool, 'begin', entering.text, 'a'), { code: '0A000' })
    assert.deepEqual(releases, [true])
  })
})
