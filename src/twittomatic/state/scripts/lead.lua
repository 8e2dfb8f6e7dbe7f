-- lead: takes or keeps the leadership.
-- KEYS  1 leader hash   2 crawl hash (its field `epoch` counts leaderships)
-- ARGV  1 name of the master   2 its epoch, 0 when it does not lead yet   3 TTL in ms
-- Returns {epoch, leader}: the caller's epoch or 0 when another one leads, and the name of who does.
-- Invariant: one leader at a time, and each leadership has a greater epoch than all before it.
-- Twice is harmless: it leads already, then. Cost: constant.
local holder = redis.call('HMGET', KEYS[1], 'name', 'epoch')
if holder[1] and (holder[1] ~= ARGV[1] or (ARGV[2] ~= '0' and holder[2] ~= ARGV[2])) then
  return { 0, holder[1] }
end
local epoch = holder[2] or redis.call('HINCRBY', KEYS[2], 'epoch', 1)
redis.call('HSET', KEYS[1], 'name', ARGV[1], 'epoch', epoch)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { tonumber(epoch), ARGV[1] }
