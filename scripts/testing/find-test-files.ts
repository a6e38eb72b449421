import { globSync } from 'node:fs'

const rooms = ['packages', 'services', 'simulators', 'cli', 'bench', 'scripts', 'controls']

/** Test files, relative to the root, in two groups: those that start the whole platform run one at a time, beside the others. */
export function findTestFiles(root: string, filters: readonly string[]): { side: string[]; platform: string[] } {
  const files = rooms
    .flatMap((room) => globSync(`${room}/**/*.test.ts`, { cwd: root, exclude: (path) => path.includes('node_modules') }))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .toSorted()
  const startsPlatform = (file: string): boolean => file.startsWith('cli/')
  return { side: files.filter((file) => !startsPlatform(file)), platform: files.filter(startsPlatform) }
}
