-- ledger/open: opens the ledger of an account by its identity, or creates it.
-- KEYS  1 ledger
-- ARGV  1 identity for a new one  2 the identity that is expected, '' for any
-- Returns its identity, or '' when the expected ledger is not there: then nothing was changed.
-- Invariant: an identity never changes; whatever deletes the ledger deletes it too.
-- Twice is harmless. Cost: constant.
local id = redis.call('HGET', KEYS[1], 'id')
if ARGV[2] ~= '' then
  return id == ARGV[2] and id or ''
end
if not id then
  id = ARGV[1]
  redis.call('HSET', KEYS[1], 'id', id)
end
return id
