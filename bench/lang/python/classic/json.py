"""Json: a recursive-descent parser for a document that is built first; strings, objects, polymorphism."""

from classic.benchmark import Benchmark, WrongResult
from classic.core import Random, Vector


class JsonValue:
    """Subclasses answer what they are; `weight` sums a value up, to compare documents across languages."""

    def is_object(self):
        return False

    def is_array(self):
        return False

    def weight(self):
        raise NotImplementedError


class JsonLiteral(JsonValue):
    def __init__(self, text):
        self.text = text

    def weight(self):
        return len(self.text)


class JsonNumber(JsonValue):
    def __init__(self, text):
        self.text = text

    def weight(self):
        return len(self.text)


class JsonString(JsonValue):
    def __init__(self, text):
        self.text = text

    def weight(self):
        return 1 + len(self.text)


class JsonArray(JsonValue):
    def __init__(self):
        self.values = Vector()

    def is_array(self):
        return True

    def size(self):
        return self.values.size()

    def add(self, value):
        self.values.append(value)

    def at(self, index):
        return self.values.at(index)

    def weight(self):
        total = 1

        def add(value):
            nonlocal total
            total += value.weight()

        self.values.for_each(add)
        return total


class JsonObject(JsonValue):
    """Names and values in order; a small table finds a name without looking through them all."""

    TABLE_SIZE = 32

    def __init__(self):
        self.names = Vector()
        self.values = Vector()
        self.table = [-1] * self.TABLE_SIZE

    def is_object(self):
        return True

    def size(self):
        return self.names.size()

    def slot(self, name):
        return len(name) * 1402589 & (self.TABLE_SIZE - 1)

    def add(self, name, value):
        self.table[self.slot(name)] = self.names.size()
        self.names.append(name)
        self.values.append(value)

    def index_of(self, name):
        index = self.table[self.slot(name)]
        if index >= 0 and self.names.at(index) == name:
            return index
        for i in range(self.names.size()):
            if self.names.at(i) == name:
                return i
        return -1

    def get(self, name):
        index = self.index_of(name)
        return None if index < 0 else self.values.at(index)

    def weight(self):
        total = 1
        for i in range(self.names.size()):
            total += len(self.names.at(i)) + self.values.at(i).weight()
        return total


class ParseError(Exception):
    pass


class JsonParser:
    def __init__(self, text):
        self.text = text
        self.index = -1
        self.current = None

    def parse(self):
        self.read()
        self.skip_white_space()
        value = self.read_value()
        self.skip_white_space()
        if self.current is not None:
            self.fail("end of text")
        return value

    def read(self):
        self.index += 1
        self.current = self.text[self.index] if self.index < len(self.text) else None

    def read_if(self, character):
        if self.current != character:
            return False
        self.read()
        return True

    def require(self, character):
        if not self.read_if(character):
            self.fail(character)

    def fail(self, expected):
        raise ParseError(f"at {self.index}: expected {expected}")

    def is_white_space(self):
        return self.current == " " or self.current == "\n" or self.current == "\t" or self.current == "\r"

    def is_digit(self):
        return self.current is not None and "0" <= self.current <= "9"

    def skip_white_space(self):
        while self.is_white_space():
            self.read()

    def read_value(self):
        current = self.current
        if current == "n":
            return self.read_literal("null")
        if current == "t":
            return self.read_literal("true")
        if current == "f":
            return self.read_literal("false")
        if current == '"':
            return JsonString(self.read_string())
        if current == "[":
            return self.read_array()
        if current == "{":
            return self.read_object()
        if current == "-" or self.is_digit():
            return self.read_number()
        self.fail("a value")

    def read_literal(self, text):
        for character in text:
            self.require(character)
        return JsonLiteral(text)

    def read_array(self):
        self.read()
        array = JsonArray()
        self.skip_white_space()
        if self.read_if("]"):
            return array
        more = True
        while more:
            self.skip_white_space()
            array.add(self.read_value())
            self.skip_white_space()
            more = self.read_if(",")
        self.require("]")
        return array

    def read_object(self):
        self.read()
        result = JsonObject()
        self.skip_white_space()
        if self.read_if("}"):
            return result
        more = True
        while more:
            self.skip_white_space()
            if self.current != '"':
                self.fail("a name")
            name = self.read_string()
            self.skip_white_space()
            self.require(":")
            self.skip_white_space()
            result.add(name, self.read_value())
            self.skip_white_space()
            more = self.read_if(",")
        self.require("}")
        return result

    def read_string(self):
        """Stretches without escapes are taken as a whole."""
        self.read()
        start = self.index
        captured = ""
        while self.current != '"':
            if self.current is None or self.current < " ":
                self.fail('"')
            if self.current == "\\":
                captured = captured + self.text[start:self.index] + self.read_escape()
                start = self.index
            else:
                self.read()
        captured = captured + self.text[start:self.index]
        self.read()
        return captured

    def read_escape(self):
        self.read()
        escape = self.current
        self.read()
        if escape == '"' or escape == "/" or escape == "\\":
            return escape
        if escape == "n":
            return "\n"
        if escape == "t":
            return "\t"
        if escape == "r":
            return "\r"
        if escape == "b":
            return "\b"
        if escape == "f":
            return "\f"
        self.fail("an escape")

    def read_number(self):
        start = self.index
        self.read_if("-")
        if not self.read_if("0"):
            self.read_digits()
        if self.read_if("."):
            self.read_digits()
        if self.read_if("e") or self.read_if("E"):
            if not self.read_if("+"):
                self.read_if("-")
            self.read_digits()
        return JsonNumber(self.text[start:self.index])

    def read_digits(self):
        if not self.is_digit():
            self.fail("a digit")
        while self.is_digit():
            self.read()


class DocumentBuilder:
    """Writes the document: a list of nested records that the random numbers vary."""

    WORDS = ("heap", "scavenge", "forwarder", "barrier", "become", "identity", "mutator", "safepoint")

    def __init__(self):
        self.random = Random()
        self.parts = []

    def build(self, records):
        self.write('{ "title": "records", "count": ')
        self.write(str(records))
        self.write(', "records": [')
        for i in range(records):
            if i > 0:
                self.write(",")
            self.write("\n  ")
            self.write_record(i)
        self.write("\n] }\n")
        return "".join(self.parts)

    def write(self, text):
        self.parts.append(text)

    def write_record(self, number):
        self.write('{ "id": ')
        self.write(str(number))
        self.write(', "name": "')
        self.write_word()
        self.write(' \\"')
        self.write_word()
        self.write('\\"", "active": ')
        self.write("true" if self.random.next() % 2 == 0 else "false")
        self.write(', "ratio": -')
        self.write(str(self.random.next() % 100))
        self.write(".")
        self.write(str(self.random.next() % 1000))
        self.write('e-2, "parent": null, "tags": [')
        for i in range(self.random.next() % 5):
            if i > 0:
                self.write(", ")
            self.write('"')
            self.write_word()
            self.write('"')
        self.write('], "position": { "x": ')
        self.write(str(self.random.next() % 1000))
        self.write(', "y": ')
        self.write(str(self.random.next() % 1000))
        self.write(" } }")

    def write_word(self):
        self.write(self.WORDS[self.random.next() % 8])


class Json(Benchmark):
    default_parameter = 24
    RECORDS = 200
    WEIGHT = 20178

    def __init__(self):
        self.document = DocumentBuilder().build(self.RECORDS)

    def benchmark(self):
        value = JsonParser(self.document).parse()
        records = value.get("records")
        if not value.is_object() or not records.is_array() or records.size() != self.RECORDS:
            raise WrongResult("Json: not the document that was written")
        return value.weight()

    def expected(self, parameter):
        return self.WEIGHT
