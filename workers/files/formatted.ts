import type { WorkerStorage } from '../protocol/index.js'
import { openStorage as openFiles } from './index.js'
import { openFormat } from './open-format.js'
import type { FormattedWorkerOptions } from './options.js'

/** Opens the directory with records of another format than our own, or says what is wrong with it. */
export async function openStorage(options: FormattedWorkerOptions): Promise<WorkerStorage> {
  return openFiles(options, await openFormat(options.recordFormat, options))
}
