import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyRoot, hashNode } from './hash.ts'
import { proveConsistency, proveInclusion, rootAt } from './prove.ts'
import { leavesOf, naiveRoot, naiveSource } from './testing/naive-tree.ts'
import { verifyConsistency, verifyInclusion } from './verify.ts'

type Inclusion = Parameters<typeof verifyInclusion>[0]
type Consistency = Parameters<typeof verifyConsistency>[0]

const all = leavesOf(64)
const source = naiveSource(all)
const foreign = leavesOf(3)[2] ?? emptyRoot
const nowhere = leavesOf(100)[99] ?? emptyRoot
const flipped = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes, (byte, at) => (at === 31 ? byte ^ 1 : byte))

async function inclusion(index: number, size: number): Promise<Inclusion> {
  const tree = { size, root: await rootAt(source, size) }
  return { leaf: all[index] ?? assert.fail(), index, tree, proof: await proveInclusion(source, { index, size }) }
}

async function consistency(from: number, to: number): Promise<Consistency> {
  const head = async (size: number) => ({ size, root: await rootAt(source, size) })
  return { first: await head(from), second: await head(to), proof: await proveConsistency(source, { from, to }) }
}

const inclusionAttacks: Readonly<Record<string, (good: Inclusion) => Inclusion>> = {
  'another root': (good) => ({ ...good, tree: { ...good.tree, root: foreign } }),
  'a root with one bit turned': (good) => ({ ...good, tree: { ...good.tree, root: flipped(good.tree.root) } }),
  'a root that is cut': (good) => ({ ...good, tree: { ...good.tree, root: good.tree.root.subarray(0, 31) } }),
  'the head of no leaves': (good) => ({ ...good, tree: { size: 0, root: emptyRoot } }),
  'another leaf': (good) => ({ ...good, leaf: flipped(good.leaf) }),
  'a leaf that is no hash': (good) => ({ ...good, leaf: new Uint8Array() }),
  'the next index': (good) => ({ ...good, index: good.index + 1 }),
  'an index past the end': (good) => ({ ...good, index: good.tree.size }),
  'an index that wraps': (good) => ({ ...good, index: good.index + 2 ** 32 }),
  'a negative index': (good) => ({ ...good, index: -1 }),
  'an index that is no number': (good) => ({ ...good, index: NaN }),
  'half a size': (good) => ({ ...good, tree: { ...good.tree, size: Math.floor(good.tree.size / 2) } }),
  'twice the size': (good) => ({ ...good, tree: { ...good.tree, size: good.tree.size * 2 } }),
  'a size that nobody can count': (good) => ({ ...good, tree: { ...good.tree, size: 2 ** 53 } }),
  'the proof in reverse': (good) => ({ ...good, proof: good.proof.toReversed() }),
  'the proof cut': (good) => ({ ...good, proof: good.proof.slice(0, -1) }),
  'the proof without its first': (good) => ({ ...good, proof: good.proof.slice(1) }),
  'the proof with one more': (good) => ({ ...good, proof: [...good.proof, foreign] }),
  'the root behind the proof': (good) => ({ ...good, proof: [...good.proof, good.tree.root] }),
  'a hash of the proof that is cut': (good) => ({ ...good, proof: good.proof.map((hash) => hash.subarray(0, 31)) }),
  'the root as its own leaf': (good) => ({ ...good, leaf: good.tree.root, proof: [] }),
  'an inner node as a leaf': (good) => ({
    ...good, leaf: hashNode(good.leaf, good.proof[0] ?? foreign), index: Math.floor(good.index / 2), proof: good.proof.slice(1),
  }),
}

for (const [name, attack] of Object.entries(inclusionAttacks)) {
  test(`believes no inclusion: ${name}`, async () => {
    for (const [index, size] of [[0, 7], [4, 7], [2, 8], [13, 37], [36, 37]] as const) {
      const good = await inclusion(index, size)
      assert.ok(verifyInclusion(good))
      assert.equal(verifyInclusion(attack(good)), false, `${index} of ${size}`)
    }
  })
}

const consistencyAttacks: Readonly<Record<string, (good: Consistency) => Consistency>> = {
  'another first root': (good) => ({ ...good, first: { ...good.first, root: flipped(good.first.root) } }),
  'another second root': (good) => ({ ...good, second: { ...good.second, root: flipped(good.second.root) } }),
  'both roots swapped': (good) => ({
    ...good, first: { ...good.first, root: good.second.root }, second: { ...good.second, root: good.first.root },
  }),
  'both trees swapped': (good) => ({ ...good, first: good.second, second: good.first }),
  'the same size with two roots': (good) => ({ ...good, first: { ...good.first, size: good.second.size }, proof: [] }),
  'a first size of none with another root': (good) => ({ ...good, first: { ...good.first, size: 0 }, proof: [] }),
  'a proof from none': (good) => ({ ...good, first: { size: 0, root: emptyRoot } }),
  'a proof between equals': (good) => ({ ...good, first: good.second }),
  'a smaller first size': (good) => ({ ...good, first: { ...good.first, size: good.first.size - 1 } }),
  'a larger first size': (good) => ({ ...good, first: { ...good.first, size: good.first.size + 1 } }),
  'a size that is no number': (good) => ({ ...good, first: { ...good.first, size: NaN } }),
  'a size that nobody can count': (good) => ({ ...good, second: { ...good.second, size: 2 ** 53 } }),
  'twice the second size': (good) => ({ ...good, second: { ...good.second, size: good.second.size * 2 } }),
  'the proof in reverse': (good) => ({ ...good, proof: good.proof.toReversed() }),
  'the proof cut': (good) => ({ ...good, proof: good.proof.slice(0, -1) }),
  'the proof without its first': (good) => ({ ...good, proof: good.proof.slice(1) }),
  'no proof': (good) => ({ ...good, proof: [] }),
  'the proof with one more': (good) => ({ ...good, proof: [...good.proof, foreign] }),
  'the first root before the proof': (good) => ({ ...good, proof: [good.first.root, ...good.proof] }),
  'a hash of the proof that is cut': (good) => ({ ...good, proof: good.proof.map((hash) => hash.subarray(0, 31)) }),
}

for (const [name, attack] of Object.entries(consistencyAttacks)) {
  test(`believes no consistency: ${name}`, async () => {
    for (const [from, to] of [[3, 7], [6, 8], [4, 15], [13, 37], [36, 45]] as const) {
      const good = await consistency(from, to)
      assert.ok(verifyConsistency(good))
      assert.equal(verifyConsistency(attack(good)), false, `${from} to ${to}`)
    }
  })
}

test('a log in which one leaf was changed, moved or dropped is not consistent, whatever proof its keeper makes', async () => {
  const change = fc.constantFrom<(leaves: Uint8Array[], at: number) => void>(
    (leaves, at) => { leaves[at] = nowhere }, (leaves, at) => { leaves.splice(at, 1) }, (leaves, at) => { leaves.unshift(...leaves.splice(at, 1)) },
  )
  await fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 20 }), fc.nat(), change, async (from, more, pick, alter) => {
    const leaves = leavesOf(from + more + 1).slice(1)
    const first = { size: from, root: naiveRoot(leaves.slice(0, from)) }
    alter(leaves, 1 + (pick % (from - 1)))
    if (leaves.length === from) leaves.push(nowhere)
    const forged = naiveSource(leaves)
    const proof = await proveConsistency(forged, { from, to: leaves.length })
    assert.equal(verifyConsistency({ first, second: { size: leaves.length, root: await rootAt(forged, leaves.length) }, proof }), false)
  }))
})

test('no proof of any shape says another root', async () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
  await fc.assert(fc.asyncProperty(fc.nat(40), fc.nat(40), fc.array(hash, { maxLength: 8 }), async (index, size, proof) => {
    const tree = { size, root: await rootAt(source, size) }
    assert.equal(verifyInclusion({ leaf: nowhere, index, tree, proof }), false)
    if (index > 0 && index < size) {
      assert.equal(verifyConsistency({ first: { size: index, root: nowhere }, second: tree, proof }), false)
    }
  }))
})
