-- ledger/totals: returns the ledger, after booking as spent what nobody settled in time.
-- KEYS  1 ledger  2 reservations
-- Returns 1 if a process waits for money that is reserved, else 0, then the ledger's fields and values.
-- Invariant: spent + reserved is the same as before. Twice is harmless. Cost: linear in both.
-- use lib/time
-- use lib/ledger
local now = now_ms()
sweep(KEYS[1], KEYS[2], now)
local awaited = tonumber(redis.call('HGET', KEYS[1], 'awaited') or 0) > now
local ledger = redis.call('HGETALL', KEYS[1])
table.insert(ledger, 1, awaited and 1 or 0)
return ledger
