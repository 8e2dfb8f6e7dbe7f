-- lose: the answer of a request is lost; what it cost shows when the same is asked again, or never.
-- KEYS  1 reservations    ARGV  1 reservation
-- Returns 1, or 0 when it was settled already. Until it is settled it counts as spent, and nobody waits for it.
-- Twice is harmless. Cost: constant.
local standing = redis.call('HGET', KEYS[1], ARGV[1])
if not standing then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], (string.gsub(standing, '^(%d+):%d+:', '%1:0:')))
return 1
