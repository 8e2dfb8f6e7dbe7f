-- resign: gives the leadership up, so that a standby need not wait for the TTL.
-- KEYS  1 leader hash    ARGV  1 name  2 epoch
-- Returns 1 when the caller led. Twice is harmless. Cost: constant.
-- use leads
return leads(KEYS[1], ARGV[1], ARGV[2]) and redis.call('DEL', KEYS[1]) or 0
