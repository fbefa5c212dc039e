import { lstatSync, opendirSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/* Walks a whole tree by bare calls, as often as it is asked to: what a sweep cannot do without. */

const { directory } = workerData as { readonly directory: string }

/** How many files there are. */
function walk(path: string): number {
  const handle = opendirSync(path)
  let files = 0
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      const inner = `${path}/${entry.name}`
      if (entry.isDirectory()) files += walk(inner)
      else if (lstatSync(inner).mtimeMs > 0) files++
    }
    return files
  } finally {
    handle.closeSync()
  }
}

parentPort?.on('message', () => parentPort?.postMessage(walk(directory)))
