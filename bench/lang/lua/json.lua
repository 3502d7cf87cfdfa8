-- Json: a recursive-descent parser for a document that is built first; strings, objects, polymorphism.

local Benchmark = require("benchmark")
local core = require("core")
local class, Random, Vector = core.class, core.Random, core.Vector

-- Subclasses answer what they are; `weight` sums a value up, to compare documents across languages.
local JsonValue = class()

function JsonValue:is_object()
  return false
end

function JsonValue:is_array()
  return false
end

local JsonLiteral = class(JsonValue)

function JsonLiteral.new(text)
  return setmetatable({ text = text }, JsonLiteral)
end

function JsonLiteral:weight()
  return #self.text
end

local JsonNumber = class(JsonValue)

function JsonNumber.new(text)
  return setmetatable({ text = text }, JsonNumber)
end

function JsonNumber:weight()
  return #self.text
end

local JsonString = class(JsonValue)

function JsonString.new(text)
  return setmetatable({ text = text }, JsonString)
end

function JsonString:weight()
  return 1 + #self.text
end

local JsonArray = class(JsonValue)

function JsonArray.new()
  return setmetatable({ values = Vector.new() }, JsonArray)
end

function JsonArray:is_array()
  return true
end

function JsonArray:size()
  return self.values:size()
end

function JsonArray:add(value)
  self.values:append(value)
end

function JsonArray:at(index)
  return self.values:at(index)
end

function JsonArray:weight()
  local total = 1
  self.values:for_each(function(value) total = total + value:weight() end)
  return total
end

-- Names and values in order; a small table finds a name without looking through them all.
local JsonObject = class(JsonValue)

local TABLE_SIZE = 32

function JsonObject.new()
  local self = setmetatable({}, JsonObject)
  self.names = Vector.new()
  self.values = Vector.new()
  self.table = {}
  for i = 1, TABLE_SIZE do
    self.table[i] = 0
  end
  return self
end

function JsonObject:is_object()
  return true
end

function JsonObject:size()
  return self.names:size()
end

function JsonObject:slot(name)
  return (#name * 1402589 & (TABLE_SIZE - 1)) + 1
end

function JsonObject:add(name, value)
  self.names:append(name)
  self.values:append(value)
  self.table[self:slot(name)] = self.names:size()
end

function JsonObject:index_of(name)
  local index = self.table[self:slot(name)]
  if index > 0 and self.names:at(index) == name then
    return index
  end
  for i = 1, self.names:size() do
    if self.names:at(i) == name then
      return i
    end
  end
  return 0
end

function JsonObject:get(name)
  local index = self:index_of(name)
  if index == 0 then
    return nil
  end
  return self.values:at(index)
end

function JsonObject:weight()
  local total = 1
  for i = 1, self.names:size() do
    total = total + #self.names:at(i) + self.values:at(i):weight()
  end
  return total
end

local JsonParser = class()

function JsonParser.new(text)
  local self = setmetatable({}, JsonParser)
  self.text = text
  self.index = 0
  self.current = nil
  return self
end

function JsonParser:parse()
  self:read()
  self:skip_white_space()
  local value = self:read_value()
  self:skip_white_space()
  if self.current ~= nil then
    self:fail("end of text")
  end
  return value
end

function JsonParser:read()
  self.index = self.index + 1
  if self.index <= #self.text then
    self.current = self.text:sub(self.index, self.index)
  else
    self.current = nil
  end
end

function JsonParser:read_if(character)
  if self.current ~= character then
    return false
  end
  self:read()
  return true
end

function JsonParser:require(character)
  if not self:read_if(character) then
    self:fail(character)
  end
end

function JsonParser:fail(expected)
  error("at " .. self.index .. ": expected " .. expected)
end

function JsonParser:is_white_space()
  return self.current == " " or self.current == "\n" or self.current == "\t" or self.current == "\r"
end

function JsonParser:is_digit()
  return self.current ~= nil and self.current >= "0" and self.current <= "9"
end

function JsonParser:skip_white_space()
  while self:is_white_space() do
    self:read()
  end
end

function JsonParser:read_value()
  local current = self.current
  if current == "n" then
    return self:read_literal("null")
  end
  if current == "t" then
    return self:read_literal("true")
  end
  if current == "f" then
    return self:read_literal("false")
  end
  if current == '"' then
    return JsonString.new(self:read_string())
  end
  if current == "[" then
    return self:read_array()
  end
  if current == "{" then
    return self:read_object()
  end
  if current == "-" or self:is_digit() then
    return self:read_number()
  end
  self:fail("a value")
end

function JsonParser:read_literal(text)
  for i = 1, #text do
    self:require(text:sub(i, i))
  end
  return JsonLiteral.new(text)
end

function JsonParser:read_array()
  self:read()
  local array = JsonArray.new()
  self:skip_white_space()
  if self:read_if("]") then
    return array
  end
  local more = true
  while more do
    self:skip_white_space()
    array:add(self:read_value())
    self:skip_white_space()
    more = self:read_if(",")
  end
  self:require("]")
  return array
end

function JsonParser:read_object()
  self:read()
  local result = JsonObject.new()
  self:skip_white_space()
  if self:read_if("}") then
    return result
  end
  local more = true
  while more do
    self:skip_white_space()
    if self.current ~= '"' then
      self:fail("a name")
    end
    local name = self:read_string()
    self:skip_white_space()
    self:require(":")
    self:skip_white_space()
    result:add(name, self:read_value())
    self:skip_white_space()
    more = self:read_if(",")
  end
  self:require("}")
  return result
end

-- Stretches without escapes are taken as a whole.
function JsonParser:read_string()
  self:read()
  local start = self.index
  local captured = ""
  while self.current ~= '"' do
    if self.current == nil or self.current < " " then
      self:fail('"')
    end
    if self.current == "\\" then
      captured = captured .. self.text:sub(start, self.index - 1) .. self:read_escape()
      start = self.index
    else
      self:read()
    end
  end
  captured = captured .. self.text:sub(start, self.index - 1)
  self:read()
  return captured
end

function JsonParser:read_escape()
  self:read()
  local escape = self.current
  self:read()
  if escape == '"' or escape == "/" or escape == "\\" then
    return escape
  end
  if escape == "n" then
    return "\n"
  end
  if escape == "t" then
    return "\t"
  end
  if escape == "r" then
    return "\r"
  end
  if escape == "b" then
    return "\b"
  end
  if escape == "f" then
    return "\f"
  end
  self:fail("an escape")
end

function JsonParser:read_number()
  local start = self.index
  self:read_if("-")
  if not self:read_if("0") then
    self:read_digits()
  end
  if self:read_if(".") then
    self:read_digits()
  end
  if self:read_if("e") or self:read_if("E") then
    if not self:read_if("+") then
      self:read_if("-")
    end
    self:read_digits()
  end
  return JsonNumber.new(self.text:sub(start, self.index - 1))
end

function JsonParser:read_digits()
  if not self:is_digit() then
    self:fail("a digit")
  end
  while self:is_digit() do
    self:read()
  end
end

-- Writes the document: a list of nested records that the random numbers vary.
local DocumentBuilder = class()

local WORDS = { "heap", "scavenge", "forwarder", "barrier", "become", "identity", "mutator", "safepoint" }

function DocumentBuilder.new()
  return setmetatable({ random = Random.new(), parts = {} }, DocumentBuilder)
end

function DocumentBuilder:build(records)
  self:write('{ "title": "records", "count": ')
  self:write(tostring(records))
  self:write(', "records": [')
  for i = 0, records - 1 do
    if i > 0 then
      self:write(",")
    end
    self:write("\n  ")
    self:write_record(i)
  end
  self:write("\n] }\n")
  return table.concat(self.parts)
end

function DocumentBuilder:write(text)
  self.parts[#self.parts + 1] = text
end

function DocumentBuilder:write_record(number)
  self:write('{ "id": ')
  self:write(tostring(number))
  self:write(', "name": "')
  self:write_word()
  self:write(' \\"')
  self:write_word()
  self:write('\\"", "active": ')
  self:write(self.random:next() % 2 == 0 and "true" or "false")
  self:write(', "ratio": -')
  self:write(tostring(self.random:next() % 100))
  self:write(".")
  self:write(tostring(self.random:next() % 1000))
  self:write('e-2, "parent": null, "tags": [')
  for i = 1, self.random:next() % 5 do
    if i > 1 then
      self:write(", ")
    end
    self:write('"')
    self:write_word()
    self:write('"')
  end
  self:write('], "position": { "x": ')
  self:write(tostring(self.random:next() % 1000))
  self:write(', "y": ')
  self:write(tostring(self.random:next() % 1000))
  self:write(" } }")
end

function DocumentBuilder:write_word()
  self:write(WORDS[self.random:next() % 8 + 1])
end

local Json = Benchmark.subclass("Json")
Json.default_parameter = 24

local RECORDS = 200
local WEIGHT = 20178

function Json:set_up()
  self.document = DocumentBuilder.new():build(RECORDS)
end

function Json:benchmark()
  local value = JsonParser.new(self.document):parse()
  local records = value:get("records")
  if not value:is_object() or not records:is_array() or records:size() ~= RECORDS then
    error("Json: not the document that was written")
  end
  return value:weight()
end

function Json:expected(parameter)
  return WEIGHT
end

return Json
