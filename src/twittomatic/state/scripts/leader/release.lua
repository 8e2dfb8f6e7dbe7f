-- leader/release: gives the leadership up, so that a standby need not wait for the TTL; or stops standing by.
-- KEYS  1 leader hash   2 standbys    ARGV  1 name  2 epoch
-- Returns 1 when the caller led. Twice is harmless. Cost: constant.
-- use lib/leader
redis.call('ZREM', KEYS[2], ARGV[1])
return leads(KEYS[1], ARGV[1], ARGV[2]) and redis.call('DEL', KEYS[1]) or 0
