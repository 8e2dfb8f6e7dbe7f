-- lib/dead_delayed: moves a job to and from the dead and the delayed ones, and counts them by module.
-- Beside the hash of dead jobs and the ZSET of delayed ones there is `<key>:count`, a hash: module -> count. So counting
-- them takes the same time however many there are. Each move is counted once, in the step that makes it.
local function counted(key, name, change)
  if change ~= 0 then
    redis.call('HINCRBY', key .. ':count', string.match(name, '^%a+'), change)
  end
end

local function bury(dead, name, history)
  counted(dead, name, redis.call('HSET', dead, name, history))
end

-- Returns whether the job was dead.
local function exhume(dead, name)
  local was = redis.call('HDEL', dead, name)
  counted(dead, name, -was)
  return was == 1
end

local function delay(delayed, name, due)
  counted(delayed, name, redis.call('ZADD', delayed, due, name))
end

local function hasten(delayed, name)
  counted(delayed, name, -redis.call('ZREM', delayed, name))
end
