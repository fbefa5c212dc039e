export {
  KEY_ID_BYTES,
  keyIdOf,
  SEAL_BYTES,
  type SealBinding,
  Sealer,
  type SealKey,
  type SealRefusal,
  sealedWith,
} from './sealer.js'
