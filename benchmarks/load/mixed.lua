-- Each argument is "WEIGHT TARGET TARGET…": a request is for any target of a group that is chosen by its weight.
-- The same numbers are drawn in every run (Park and Miller's generator, whose products a double can hold).
dofile((debug.getinfo(1, "S").source:sub(2):gsub("mixed.lua$", "wrk.lua")))

local wheel, seed = {}, 1

function init(args)
  for _, group in ipairs(args) do
    local weight, requests = nil, {}
    for word in group:gmatch("%S+") do
      if weight then requests[#requests + 1] = wrk.format("GET", word) else weight = tonumber(word) end
    end
    for _ = 1, weight do wheel[#wheel + 1] = requests end
  end
end

function request()
  seed = seed * 16807 % 2147483647
  local requests = wheel[seed % #wheel + 1]
  return requests[math.floor(seed / #wheel) % #requests + 1]
end
