-- cap: what a crawl may spend of the ledger that it shares, for all its processes.
-- KEYS  1 caps
-- ARGV  1 crawl  2 epoch of the master that leads it  3 micro-dollars, '' for no cap
-- Returns 1, or 0 when a later master has written it.
-- Invariant: the cap of the latest epoch stands, however late another master wakes up.
-- Twice is harmless. Cost: constant.
local epoch = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^%d+')
if epoch and tonumber(epoch) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
return 1
