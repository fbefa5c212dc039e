export {
  SEAL_BYTES,
  type SealBinding,
  Sealer,
  type SealKey,
  type SealRefusal,
  sealedWith,
} from './sealer.js'
