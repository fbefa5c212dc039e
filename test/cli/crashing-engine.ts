import { files, SessionEngine } from 'coatcheck'

/*
 * Acknowledges sessions that stand in a journal alone, and in files, and dies.
 */

const directory = process.argv[2] ?? ''
const storage = files({ directory, durability: 'journal', checkpointInterval: 3600 })
const engine = new SessionEngine({ storage, threads: 1, sweepInterval: false })
await engine.save('in-file', { from: 'file' })
await engine.save('replaced', { from: 'file' })
await engine.save('deleted', { from: 'file' })
await engine.flush({ files: true })
await engine.save('replaced', { from: 'journal', longer: true })
await engine.save('in-journal', { from: 'journal' })
await engine.save('expired', {}, { expires: new Date(Date.now() - 1000) })
await engine.delete('deleted')
process.kill(process.pid, 'SIGKILL')
