import { Visitor, type Program } from 'oxc-parser'

/** A function's name, where it begins, and how many lines it takes, its signature and braces included. */
export type FunctionSpan = { readonly name: string; readonly line: number; readonly lineCount: number }

type Spanned = { readonly start: number; readonly end: number }

export function functionSpans(program: Program, text: string): FunctionSpan[] {
  const lineOf = lineFinder(text)
  const names = new Map<number, string>()
  const spans: FunctionSpan[] = []
  const add = (node: Spanned & { id?: { name: string } | null }): void => {
    const line = lineOf(node.start)
    const name = node.id?.name ?? names.get(node.start) ?? '(anonymous)'
    spans.push({ name, line, lineCount: lineOf(node.end) - line + 1 })
  }
  new Visitor({
    VariableDeclarator: (node) => {
      if (node.init !== null && node.id.type === 'Identifier') names.set(node.init.start, node.id.name)
    },
    MethodDefinition: (node) => {
      if ('name' in node.key && typeof node.key.name === 'string') names.set(node.value.start, node.key.name)
    },
    Property: (node) => {
      if ('name' in node.key && typeof node.key.name === 'string') names.set(node.value.start, node.key.name)
    },
    FunctionDeclaration: add,
    FunctionExpression: add,
    ArrowFunctionExpression: add,
  }).visit(program)
  return spans
}

/** @returns the line of an offset, counted from one. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
