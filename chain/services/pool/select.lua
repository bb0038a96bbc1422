-- Records of executable transactions for one block: those of the senders that stand first in the policy's
-- queue, each sender's ascending from the first that no merged block holds.  Who stands first by the last
-- digit is for the caller to decide; this bounds what it has to look at.
-- ARGV: wanted, base fee (12 bytes), call gas limit of the stream, policy, seed (a number, for random)
local PAGE, MOST = 512, 20480
local wanted, gas_limit, policy = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[4]
local base_high, base_low = unpack_bytes('>I6I6', ARGV[2])
local ready = call('ZCARD', K_READY)
local enough = wanted + math.floor(wanted / 4) + 1

-- queues by age are made when first needed, and kept for as long as somebody asks now and then
if policy ~= 'fee' and policy ~= 'random' then
  if not ranked then
    ranked = true
    call('DEL', K_LINE, K_BOOST)
    for _, addr in ipairs(call('ZRANGE', K_READY, 0, -1)) do
      rank(load(addr))
      touched[addr] = nil
    end
    ready = call('ZCARD', K_READY)
  end
  call('SET', K_RANKED, '1', 'EX', 600)
end

local function gcd(a, b)
  while b > 0 do a, b = b, a % b end
  return a
end

-- random: a walk over all places whose start and step the seed gives
local start, stride = 0, 1
if policy == 'random' and ready > 0 then
  local seed = tonumber(ARGV[5])
  start, stride = seed % ready, math.floor(seed / 65536) % ready
  while gcd(stride, ready) ~= 1 do stride = stride + 1 end
end

-- the senders at some places of the policy's queue; hybrid: the best by tip and the oldest, in turns
local function page_of(first)
  local last = first + PAGE - 1
  if policy == 'fifo' then return call('ZRANGE', K_LINE, first, last) end
  if policy == 'time_weighted' then return call('ZREVRANGE', K_BOOST, first, last) end
  local page = {}
  if policy == 'hybrid' then
    local best, oldest = call('ZREVRANGE', K_READY, first, last), call('ZRANGE', K_LINE, first, last)
    for i, addr in ipairs(best) do
      page[#page + 1] = addr
      page[#page + 1] = oldest[i]
    end
    return page
  end
  if policy == 'random' then
    for i = first, math.min(last, ready - 1) do
      local at = (start + i * stride) % ready
      page[#page + 1] = call('ZRANGE', K_READY, at, at)[1]
    end
    return page
  end
  return call('ZREVRANGE', K_READY, first, last)
end

-- each sender's share of what is looked at, more for those that stand first
local base = math.max(1, math.floor(1.5 * wanted / math.max(1, math.min(ready, enough))))
local out, later, open, seen, heads = {}, {}, {}, {}, 0

-- up to so many more records of a run; whether it has any to give
local function offer(run, depth)
  local last = math.min(run.stop, run.at + math.min(depth, CHUNK)) - 1
  local names = {}
  for n = run.at, last do names[#names + 1] = field(n) end
  local found = false
  for i, record in ipairs(call('HMGET', run.key, unpack(names))) do
    local _, _, _, _, _, fh, fl, _, _, _, gas, simple = unpack_bytes(HEAD, record)
    if above(base_high, base_low, fh, fl) then
      -- it cannot run now: behind all that can, until the fee falls or it is replaced
      if not run.begun and i == 1 then later[#later + 1] = {(fh - base_high) * LIMB + fl - base_low, run.addr} end
      run.stop = 0
      return found
    end
    if simple == 0 and gas > gas_limit then
      run.stop = 0
      return found
    end
    out[#out + 1] = record
    found = true
  end
  run.at, run.begun = last + 1, true
  return found
end

local function gather(addr, state)
  local _, nonce, stop, from, _, code = unpack_bytes(STATE, state)
  if code == 1 then
    -- a delegated sender has one transaction in an epoch
    if from > nonce then return end
    stop = math.min(stop, from + 1)
  end
  local run = {addr = addr, key = P .. 's:' .. addr, at = from, stop = stop}
  if not offer(run, math.max(base, math.ceil(wanted / (4 * (heads + 1))))) then return end
  heads = heads + 1
  if run.at < run.stop then open[#open + 1] = run end
end

local scanned = 0
while scanned < MOST and scanned < ready and heads < enough do
  local page = {}
  for _, addr in ipairs(page_of(scanned)) do
    if not seen[addr] then
      seen[addr] = true
      page[#page + 1] = addr
    end
  end
  if #page > 0 then
    for i, state in ipairs(call('HMGET', K_STATES, unpack(page))) do
      gather(page[i], state)
      if heads >= enough then break end
    end
  end
  scanned = scanned + PAGE
end
-- too few: the runs that go on give more
while #out < enough and #open > 0 do
  local runs, depth = open, math.ceil((enough - #out) / #open)
  open = {}
  for _, run in ipairs(runs) do
    offer(run, depth)
    if run.at < run.stop then open[#open + 1] = run end
    if #out >= enough then break end
  end
end
for _, place in ipairs(later) do call('ZADD', K_READY, place[1], place[2]) end
return out
