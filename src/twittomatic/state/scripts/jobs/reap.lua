-- jobs/reap: takes jobs from workers that are silent or gone.
-- KEYS  1 leader hash  2 prefix of the job streams  3 prefix of the job hashes  4 dead  5 workers  6 events  7 delayed
-- ARGV  1 name of the master  2 its epoch  3 lease in ms  4 deaths of its workers after which a job is dead
--       5 RFC 3339 now  6 number of modules, then those, then the consumers that are known to be gone
-- Returns {-1} when another master leads, else the names, `module:user id`, of the jobs that were taken.
-- Invariant: a job that is taken gets a new entry, so every script of its old holder fails.
-- A job that kills its worker takes the worker's other jobs down with it. So from the second time on a job is delayed,
-- each by a different time: they are leased apart, and only the one that kills keeps doing so until it is dead.
-- A worker that is known to be gone is no longer listed; an event reports its death and the jobs it held.
-- Twice is harmless: nothing is idle the second time. Cost: one XPENDING per queue, 100 jobs of each at most.
-- use lib/leader
-- use lib/jobs
-- use lib/time
-- use lib/event
-- use lib/dead_delayed
if not leads(KEYS[1], ARGV[1], ARGV[2]) then
  return { -1 }
end
local taken, last = {}, 6 + tonumber(ARGV[6])
local held = {} -- by dead worker: the first jobs that were taken from it
local holds = {} -- the dead workers that hold more jobs than one call takes, and must not be removed yet
local function take(module, stream, pending)
  for _, item in ipairs(pending) do
    local entry = redis.call('XRANGE', stream, item[1], item[1])[1]
    if not entry then
      redis.call('XACK', stream, 'workers', item[1])
    else
      local user = entry[2][2]
      local name = module .. ':' .. user
      drop(stream, item[1])
      taken[#taken + 1] = name
      local jobs = held[item[2]] or {}
      held[item[2]] = jobs
      if #jobs < 32 then
        jobs[#jobs + 1] = name
      end
      local crashes = redis.call('HINCRBY', KEYS[3] .. name, 'crashes', 1)
      local dies = crashes >= tonumber(ARGV[4])
      local reason = dies and 'every worker that tried it died' or 'the worker died, or was silent for a lease'
      local history = remember(KEYS[3] .. name, cjson.encode({ at = ARGV[5], worker = item[2], reason = reason }))
      if dies then
        bury(KEYS[4], name, history)
        announce(KEYS[6], cjson.encode({ type = 'JobDied', module = module, user_id = user, reason = reason }))
      elseif crashes > 1 then
        local wait = 2 ^ math.min(crashes - 2, 6) * (500 + tonumber(string.sub(user, -3)))
        delay(KEYS[7], name, now_ms() + wait)
      else
        requeue(KEYS[2], KEYS[3], module, user)
      end
    end
  end
end
local function look_at(module, stream)
  if redis.call('EXISTS', stream) == 1 then
    take(module, stream, redis.call('XPENDING', stream, 'workers', 'IDLE', ARGV[3], '-', '+', 100))
    for gone = last + 1, #ARGV do
      take(module, stream, redis.call('XPENDING', stream, 'workers', '-', '+', 100, ARGV[gone]))
      if #redis.call('XPENDING', stream, 'workers', '-', '+', 1, ARGV[gone]) == 0 then
        redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', ARGV[gone])
      else
        holds[gone] = true
      end
    end
  end
end
for i = 7, last do
  for _, queue in ipairs(queues(ARGV[i])) do
    look_at(ARGV[i], KEYS[2] .. queue)
  end
end
for gone = last + 1, #ARGV do
  if not holds[gone] and redis.call('HDEL', KEYS[5], ARGV[gone]) == 1 then
    local death = { type = 'WorkerDied', worker = ARGV[gone], jobs = held[ARGV[gone]] }
    announce(KEYS[6], cjson.encode(death))
  end
end
return taken
