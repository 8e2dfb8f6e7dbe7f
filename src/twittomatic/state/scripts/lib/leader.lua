-- lib/leader: returns whether a master still leads, under its epoch.
local function leads(leader, name, epoch)
  local holder = redis.call('HMGET', leader, 'name', 'epoch')
  return holder[1] == name and holder[2] == epoch
end
