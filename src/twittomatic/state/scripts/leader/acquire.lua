-- leader/acquire: takes or renews the leadership, or registers a standby.
-- KEYS  1 leader hash   2 crawl hash (its field `epoch` counts leaderships, `id` is its identity)   3 standbys
-- ARGV  1 name of the master   2 its epoch, 0 when it does not lead yet   3 TTL in ms
--       4 identity for a crawl that has none   5 the identity that the caller has seen, or ''
-- Returns {epoch, leader, identity}: the caller's epoch, or 0 when another master leads, and the leader's name; or {-1}
-- when the crawl that the caller has seen is gone: then nothing was changed.
-- Invariant: one leader at a time, and each leadership has a greater epoch than all before it; a deposed master changes
-- nothing; the standbys are those that called within a TTL.
-- Twice is harmless: the second time the caller leads already. Cost: constant.
local id = redis.call('HGET', KEYS[2], 'id')
if ARGV[5] ~= '' and id ~= ARGV[5] then
  return { -1 }
end
local holder = redis.call('HMGET', KEYS[1], 'name', 'epoch')
if holder[1] and holder[1] ~= ARGV[1] then -- not the epoch: a lost answer may have carried a new one
  if ARGV[2] == '0' then
    local time = redis.call('TIME')
    local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
    redis.call('ZADD', KEYS[3], now + tonumber(ARGV[3]), ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
    redis.call('PEXPIRE', KEYS[3], ARGV[3])
  end
  return { 0, holder[1], id or '' }
end
if not id then
  id = ARGV[4]
  redis.call('HSET', KEYS[2], 'id', id)
end
local epoch = holder[2] or redis.call('HINCRBY', KEYS[2], 'epoch', 1)
redis.call('HSET', KEYS[1], 'name', ARGV[1], 'epoch', epoch)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZREM', KEYS[3], ARGV[1])
return { tonumber(epoch), ARGV[1], id }
