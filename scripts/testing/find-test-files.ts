import { globSync } from 'node:fs'

const rooms = ['packages', 'services', 'simulators', 'cli', 'bench', 'scripts', 'controls']

/** They start the whole platform, and then wait for a time that the product keeps: a minute, which others can use. */
const waitingFiles = ['cli/forwards.test.ts']

/**
 * Test files, relative to the root, in groups: those that start the whole platform run alone, after the others, with those
 * beside them that mostly wait.
 */
export function findTestFiles(root: string, filters: readonly string[]): { side: string[]; alone: string[]; waiting: string[] } {
  const files = rooms
    .flatMap((room) => globSync(`${room}/**/*.test.ts`, { cwd: root, exclude: (path) => path.includes('node_modules') }))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .toSorted()
  const startsPlatform = (file: string): boolean => file.startsWith('cli/')
  const waits = (file: string): boolean => waitingFiles.includes(file)
  return {
    side: files.filter((file) => !startsPlatform(file)),
    alone: files.filter((file) => startsPlatform(file) && !waits(file)),
    waiting: files.filter(waits),
  }
}
