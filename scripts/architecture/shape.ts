import type { Violation } from './edges.ts'
import type { Module } from './read-modules.ts'

const functionLinesMax = 70
const fileLinesMax = 400

/** Refuses files and functions that are too long, a `mod.ts` that does anything, and barrels by another name. */
export function shapeViolations(modules: readonly Module[]): Violation[] {
  return modules.flatMap((module) => [
    ...fileLength(module),
    ...functionLengths(module),
    ...modFile(module),
    ...defaultExport(module),
  ])
}

function fileLength({ path, isTest, lineCount }: Module): Violation[] {
  if (isTest || lineCount <= fileLinesMax) return []
  return [{ rule: 'file-length', path, detail: `${lineCount} lines, ${fileLinesMax} at most`, size: lineCount }]
}

/** A table of test cases may be long; a function of the product may not. */
function functionLengths({ path, isTest, functions }: Module): Violation[] {
  if (isTest) return []
  return functions
    .filter(({ lineCount }) => lineCount > functionLinesMax)
    .map(({ name, line, lineCount }) => ({
      rule: 'function-length',
      path: `${path}#${name}`,
      detail: `${lineCount} lines from line ${line}, ${functionLinesMax} at most`,
      size: lineCount,
    }))
}

function modFile({ path, imports, ownStatements }: Module): Violation[] {
  const name = path.split('/').at(-1) ?? ''
  if (name === 'mod.ts') {
    if (ownStatements > 0) return [{ rule: 'mod', path, detail: 'does more than export from other files' }]
    if (imports.length === 0) return [{ rule: 'mod', path, detail: 'exports nothing' }]
    return []
  }
  const isBarrel = imports.length > 0 && ownStatements === 0
  return isBarrel || name === 'index.ts' ? [{ rule: 'mod', path, detail: 'is a barrel; only mod.ts gathers exports' }] : []
}

function defaultExport({ path, hasDefaultExport }: Module): Violation[] {
  return hasDefaultExport ? [{ rule: 'default-export', path, detail: 'has a default export' }] : []
}
