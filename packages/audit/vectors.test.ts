import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { vectorsDir } from '@ngome/testkit'
import { verifyConsistency, verifyInclusion } from './verify.ts'

type Vector = { readonly desc: string; readonly wantErr: boolean; readonly proof: readonly string[] | null }
type InclusionVector = Vector & { readonly leafIdx: number; readonly treeSize: number; readonly root: string; readonly leafHash: string }
type ConsistencyVector = Vector & { readonly size1: number; readonly size2: number; readonly root1: string; readonly root2: string }

const folder = vectorsDir()
const skip = folder === undefined ? 'no third-party vectors: set NGOME_VECTORS' : false
const bytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64')
const proofOf = ({ proof }: Vector): readonly Uint8Array[] => (proof ?? []).map(bytes)

/** Its roots are the words "don't care" instead of hashes, which no checkpoint can name; we believe hashes only. */
const notHashes = 'sizes-are-equal-one-and-proof-is-empty.json'

function vectors<V extends Vector>(kind: string): readonly (readonly [string, V])[] {
  const paths = globSync(join(folder ?? '', 'merkle', 'testdata', kind, '*', '*.json'))
  return paths.map((path) => [path, JSON.parse(readFileSync(path, 'utf8')) as V] as const)
}

test('inclusion proofs: the vectors of transparency-dev/merkle', { skip }, () => {
  const all = vectors<InclusionVector>('inclusion')
  assert.ok(all.length >= 86, String(all.length))
  for (const [path, vector] of all) {
    const tree = { size: vector.treeSize, root: bytes(vector.root) }
    const isIncluded = verifyInclusion({ leaf: bytes(vector.leafHash), index: vector.leafIdx, tree, proof: proofOf(vector) })
    assert.equal(isIncluded, !vector.wantErr, path)
  }
})

test('consistency proofs: the vectors of transparency-dev/merkle', { skip }, () => {
  const all = vectors<ConsistencyVector>('consistency')
  assert.ok(all.length >= 86, String(all.length))
  for (const [path, vector] of all) {
    const [first, second] = [{ size: vector.size1, root: bytes(vector.root1) }, { size: vector.size2, root: bytes(vector.root2) }]
    const isConsistent = verifyConsistency({ first, second, proof: proofOf(vector) })
    assert.equal(isConsistent, basename(path) === notHashes ? false : !vector.wantErr, path)
  }
})
