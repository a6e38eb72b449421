import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, relative } from 'node:path'
import type { FileCoverage } from './messages.ts'

/** Rooms in which a line that no test runs is a failure: what holds keys, and what everything stands on. */
export const gatedRooms = ['packages/kernel', 'packages/envelope', 'services/custodian'] as const

/** How often each line ran, by file and line, summed over every test file. */
export class LineCounts {
  readonly #files = new Map<string, Map<number, number>>()

  add(files: readonly FileCoverage[]): void {
    for (const { path, lines } of files) {
      const counts = this.#files.get(path) ?? new Map<number, number>()
      for (const { line, count } of lines) counts.set(line, (counts.get(line) ?? 0) + count)
      this.#files.set(path, counts)
    }
  }

  /** @returns the lines that never ran, or `undefined` where no test loaded the file. */
  missed(path: string): number[] | undefined {
    const counts = this.#files.get(path)
    return counts && [...counts].filter(([, count]) => count === 0).map(([line]) => line)
  }

  lineTotal(path: string): number {
    return this.#files.get(path)?.size ?? 0
  }
}

/**
 * What a room lacks of full line coverage. A file that no test loads is not in any report at all, so the list of files
 * comes from the disk.
 */
export function coverageGaps(root: string, room: string, counts: LineCounts): string[] {
  const files = sourceFiles(root, room)
  if (files.length === 0) return [`${room} has no source file: the gate would pass by seeing nothing`]
  return files.flatMap((file) => {
    const missed = counts.missed(join(root, file))
    if (missed === undefined) return [`${file} is loaded by no test`]
    return missed.length === 0 ? [] : [`${file} lines ${ranges(missed)} are run by no test`]
  })
}

/** @returns the share of lines that ran, in percent, over a room's files; files that no test loads are not counted. */
export function coveragePercent(root: string, room: string, counts: LineCounts): number {
  let total = 0
  let missed = 0
  for (const file of sourceFiles(root, room)) {
    total += counts.lineTotal(join(root, file))
    missed += counts.missed(join(root, file))?.length ?? 0
  }
  return total === 0 ? 0 : ((total - missed) / total) * 100
}

/**
 * A composition root runs in a process of its own, a list of exports holds no logic, and types alone leave no line. What
 * tests are made of has lines that run only where a test fails.
 */
function sourceFiles(root: string, room: string): string[] {
  return globSync(`${room}/**/*.ts`, { cwd: root })
    .map((file) => relative(root, join(root, file)))
    .filter((file) => !file.endsWith('.test.ts') && !/(^|\/)(main|mod)\.ts$/.test(file) && !file.includes('/testing/'))
    .filter((file) => hasCode(readFileSync(join(root, file), 'utf8')))
    .toSorted()
}

/** Nobody loads a file of types: its imports are gone before the program runs. An empty file is not one of types. */
function hasCode(text: string): boolean {
  if (!/\btype\b/.test(text)) return true
  return stripTypeScriptTypes(text).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replace(/\bexport \{\s*\}/g, '').trim() !== ''
}

function ranges(lines: readonly number[]): string {
  const spans: [number, number][] = []
  for (const line of lines) {
    const last = spans.at(-1)
    if (last?.[1] === line - 1) last[1] = line
    else spans.push([line, line])
  }
  return spans.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}
