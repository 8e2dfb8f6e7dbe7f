-- lib/fence: tells whether an attempt still holds its job.
-- A job's stream entry belongs to one consumer, and whoever takes the job away gives it a new entry, so an
-- entry that is pending for us is ours. Cost: one XPENDING of one entry.
local function owns(stream, entry, consumer)
  local pending = redis.call('XPENDING', stream, 'workers', entry, entry, 1)[1]
  return pending ~= nil and pending[2] == consumer
end
