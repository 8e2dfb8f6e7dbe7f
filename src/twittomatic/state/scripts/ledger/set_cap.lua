-- ledger/set_cap: sets what all processes of a crawl together may spend of the ledger that it shares.
-- KEYS  1 caps
-- ARGV  1 crawl  2 epoch of the master that leads it  3 micro-dollars, '' for no cap  4 identity of the crawl
-- Returns 1, or 0 when a later master has set it.
-- Invariant: the cap of the latest epoch counts, however late another master wakes up. A crawl that was deleted and
-- begun again counts its epochs from 1: the cap of an earlier crawl of its name does not bind it.
-- Twice is harmless. Cost: constant.
local epoch, id = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+):%d*:?(.*)$')
if epoch and id == ARGV[4] and tonumber(epoch) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3] .. ':' .. ARGV[4])
return 1
