import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Everything in a directory as it can be told apart: names, inodes, times of change, bytes. */
export function treeOf(directory: string): Record<string, string> {
  const tree: Record<string, string> = {}
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const { ino, mode, mtimeMs, ctimeMs } = lstatSync(path)
    const bytes = entry.isFile() ? readFileSync(path).toString('base64') : ''
    tree[path.slice(directory.length + 1)] = [ino, mode, mtimeMs, ctimeMs, bytes].join(' ')
  }
  return tree
}
