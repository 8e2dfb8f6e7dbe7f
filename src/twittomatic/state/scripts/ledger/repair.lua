-- ledger/repair: restores a ledger after part of it was lost.
-- KEYS  1 ledger  2 reservations
-- ARGV  1 identity for a ledger that has none  2 micro-dollars to add to `spent`  3 the least that `spent` must be
-- Returns {identity, micro-dollars spent}. `reserved` becomes the sum of the reservations, 0 for a new ledger; windows
-- that vanished are opened again.
-- Invariant: `spent` never decreases. Cost: linear in both.
local id = redis.call('HGET', KEYS[1], 'id')
if not id then
  id = ARGV[1]
  redis.call('HSET', KEYS[1], 'id', id)
  redis.call('DEL', KEYS[2]) -- what was reserved is in the processes' own records
end
local reserved = 0
for _, line in ipairs(redis.call('HVALS', KEYS[2])) do
  reserved = reserved + tonumber(string.match(line, '^%d+'))
end
local before = tonumber(redis.call('HGET', KEYS[1], 'reserved') or 0)
local spent = tonumber(redis.call('HGET', KEYS[1], 'spent') or 0) + tonumber(ARGV[2]) + math.max(0, before - reserved)
spent = math.max(spent, tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'spent', string.format('%d', spent), 'reserved', string.format('%d', reserved))
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 3) == 'tw:' then
    redis.call('HDEL', KEYS[1], field)
  end
end
return { id, spent }
