import { Frontier, hashBytes, nodesOf, type NodeSource } from '@ngome/audit'
import { Fault } from '@ngome/kernel'
import type { Reading, Row } from '../store/store.ts'

// A size without its lowest bit is where the peak before the last one ends; each peak lies in the row that ends it.
const frontierSql = `
  WITH RECURSIVE peaks (sequence) AS (
    SELECT max(sequence) FROM log
    UNION ALL SELECT (sequence & (sequence - 1)) FROM peaks WHERE (sequence & (sequence - 1)) > 0
  )
  SELECT log.sequence, log.nodes FROM peaks JOIN log ON log.sequence = peaks.sequence ORDER BY log.sequence`

/**
 * What the tree needs to go on, with one statement.
 * @throws Fault `custodian/unavailable` where the rows do not hold it: somebody wrote in the store
 */
export async function readFrontier(store: Reading): Promise<Frontier> {
  const rows = await store.all(frontierSql)
  return frontierOf(Number(rows.at(-1)?.['sequence'] ?? 0), rows.map(lastNode))
}

/** The frontier as it was after this many rows. @throws Fault `custodian/unavailable` */
export async function frontierAt(store: Reading, size: number): Promise<Frontier> {
  return frontierOf(size, await logNodes(store).nodes(nodesOf({ from: 0, to: size })))
}

/** The log's rows as the source of proofs. @throws Fault `custodian/unavailable` where a node is not there */
export function logNodes(store: Reading): NodeSource {
  return {
    nodes: async (ids) => {
      const nodes: Uint8Array[] = []
      for (const { level, index } of ids) {
        const sequence = (index + 1) * 2 ** level
        const row = await store.get('SELECT nodes FROM log WHERE sequence = ?', sequence)
        const node = (row?.['nodes'] as Uint8Array | undefined)?.subarray(level * hashBytes, (level + 1) * hashBytes)
        if (node?.length !== hashBytes) throw new Fault('custodian/unavailable', `row ${sequence} of the log lacks a node`)
        nodes.push(node)
      }
      return nodes
    },
  }
}

function frontierOf(size: number, peaks: readonly Uint8Array[]): Frontier {
  try {
    return new Frontier(size, peaks)
  } catch (cause) {
    throw new Fault('custodian/unavailable', `the log lacks nodes of its first ${size} rows`, { cause })
  }
}

function lastNode(row: Row): Uint8Array {
  return (row['nodes'] as Uint8Array).subarray(-hashBytes)
}
