-- ledger/set_cap: what a crawl may spend of the ledger that it shares, for all its processes.
-- KEYS  1 caps
-- ARGV  1 crawl  2 epoch of the master that leads it  3 micro-dollars, '' for no cap  4 identity of the crawl
-- Returns 1, or 0 when a later master has written it.
-- Invariant: the cap of the latest epoch stands, however late another master wakes up. A crawl that was deleted and
-- begun again counts its epochs anew: what an earlier one of its name wrote does not bind it.
-- Twice is harmless. Cost: constant.
local epoch, id = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+):%d*:?(.*)$')
if epoch and id == ARGV[4] and tonumber(epoch) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3] .. ':' .. ARGV[4])
return 1
