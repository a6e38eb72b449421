import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inOrder } from './guards.ts'

test('guards stand one behind the other, those that wait included', async () => {
  const passed: number[] = []
  const guard = inOrder<[]>(() => void passed.push(1), async () => void passed.push(2), () => void passed.push(3))
  await guard()
  assert.deepEqual(passed, [1, 2, 3])
})

test('guards that need not wait answer no promise', () => {
  assert.equal(inOrder<[]>(() => undefined)(), undefined)
  assert.equal(inOrder<[]>()(), undefined)
})

test('the first that refuses ends it, whether it had to wait or not', async () => {
  const never = (): void => assert.fail('it came this far')
  assert.throws(inOrder<[]>(() => {
    throw new RangeError('at once')
  }, never), RangeError)
  await assert.rejects(async () => inOrder<[]>(() => undefined, async () => {
    throw new RangeError('later')
  }, never)(), RangeError)
})
