import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Frontier } from './frontier.ts'
import { emptyRoot, hashLeaf, hashNode } from './hash.ts'
import { nodesOf } from './nodes.ts'
import { proveConsistency, proveInclusion, rootAt } from './prove.ts'
import { leavesOf, naivePath, naiveRoot, naiveSource, naiveSubproof } from './testing/naive-tree.ts'
import { verifyConsistency, verifyInclusion } from './verify.ts'

const all = leavesOf(300)
const source = naiveSource(all)
const sizes = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat(299)).map(([size, at]) => ({ size, index: at % size }))
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')

test('hashes leaves and nodes apart, as RFC 9162 says', () => {
  assert.equal(hex(emptyRoot), createHash('sha256').update('').digest('hex'))
  assert.equal(hex(hashLeaf(new Uint8Array())), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  const [left, right] = leavesOf(2)
  assert.ok(left !== undefined && right !== undefined)
  // The second preimage: an entry that is the inner node's own input.
  assert.notEqual(hex(hashLeaf(Buffer.concat([left, right]))), hex(hashNode(left, right)))
})

test('the frontier has the head of the naive tree at every size, and completes each node once', () => {
  const frontier = new Frontier()
  const completed = new Map<string, Uint8Array>()
  assert.equal(hex(frontier.root()), hex(emptyRoot))
  for (const [at, leaf] of all.entries()) {
    for (const [level, node] of frontier.append(leaf).entries()) completed.set(`${level}/${(at + 1) / 2 ** level - 1}`, node)
    assert.equal(hex(frontier.root()), hex(naiveRoot(all.slice(0, at + 1))))
    assert.equal(frontier.size, at + 1)
    const peaks = nodesOf({ from: 0, to: at + 1 }).map(({ level, index }) => completed.get(`${level}/${index}`) ?? assert.fail())
    assert.equal(hex(new Frontier(at + 1, peaks).root()), hex(frontier.root()))
  }
})

test('a frontier remembers as many hashes as its size has bits, and hashes twice a leaf at most', () => {
  const frontier = new Frontier()
  const hashes = all.reduce((sum, leaf) => sum + frontier.append(leaf).length, 0)
  assert.ok(hashes < 2 * all.length)
  assert.equal(nodesOf({ from: 0, to: 2 ** 40 + 1 }).length, 2)
  assert.equal(nodesOf({ from: 0, to: Number.MAX_SAFE_INTEGER }).length, 53)
})

test('a frontier refuses peaks that are not its size\'s, what is no hash, and more leaves than can be counted', () => {
  const [leaf = emptyRoot] = all
  for (const [size, peaks] of [[1, []], [0, [leaf]], [3, [leaf]], [1, [leaf.subarray(1)]], [-1, []], [0.5, []], [NaN, []]] as const) {
    assert.throws(() => new Frontier(size, peaks), RangeError)
  }
  assert.throws(() => new Frontier().append(leaf.subarray(1)), RangeError)
  assert.throws(() => new Frontier(Number.MAX_SAFE_INTEGER, Array.from({ length: 53 }, () => leaf)).append(leaf), RangeError)
})

test('proves and verifies inclusion like the naive tree, at any place of any size', async () => {
  await fc.assert(fc.asyncProperty(sizes, async ({ size, index }) => {
    const proof = await proveInclusion(source, { index, size })
    assert.deepEqual(proof.map(hex), naivePath(index, all.slice(0, size)).map(hex))
    const tree = { size, root: await rootAt(source, size) }
    assert.equal(hex(tree.root), hex(naiveRoot(all.slice(0, size))))
    assert.ok(verifyInclusion({ leaf: all[index] ?? assert.fail(), index, tree, proof }))
  }))
})

test('proves and verifies consistency like the naive tree, between any two sizes', async () => {
  await fc.assert(fc.asyncProperty(sizes, async ({ size, index }) => {
    const proof = await proveConsistency(source, { from: index, to: size })
    if (index > 0) assert.deepEqual(proof.map(hex), naiveSubproof(index, all.slice(0, size), true).map(hex))
    const [first, second] = [{ size: index, root: await rootAt(source, index) }, { size, root: await rootAt(source, size) }]
    assert.ok(verifyConsistency({ first, second, proof }))
  }))
})

test('a tree is consistent with itself, and with no leaves; neither needs a hash', async () => {
  for (const size of [0, 1, 7, 8]) {
    const head = { size, root: await rootAt(source, size) }
    assert.deepEqual(await proveConsistency(source, { from: size, to: size }), [])
    assert.ok(verifyConsistency({ first: head, second: head, proof: [] }))
    assert.ok(verifyConsistency({ first: { size: 0, root: emptyRoot }, second: head, proof: [] }))
  }
})

test('nothing is proven of what is not there', async () => {
  for (const [index, size] of [[0, 0], [5, 5], [-1, 5], [1.5, 5], [0, 2 ** 53]] as const) {
    await assert.rejects(proveInclusion(source, { index, size }), RangeError)
  }
  for (const [from, to] of [[2, 1], [-1, 1], [1, 2 ** 53], [0.5, 1]] as const) {
    await assert.rejects(proveConsistency(source, { from, to }), RangeError)
  }
  await assert.rejects(rootAt(source, -1), RangeError)
})
