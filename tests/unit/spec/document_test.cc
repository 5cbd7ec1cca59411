// Text to trees: what YAML and JSON may look like, and what bounds them.
#include "spec/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tank/result.h"

namespace tank::spec {
namespace {

using testing::HasSubstr;

// A tree as one line: quoted text in double quotes, plain text bare.
std::string show(const Node& node) {
  std::string out;
  switch (node.form) {
    case Form::null: return "null";
    case Form::plain: return node.text;
    case Form::text: return "\"" + node.text + "\"";
    case Form::list:
      for (const Entry& entry : node.entries) out += (out.empty() ? "" : ",") + show(*entry.value);
      return "[" + out + "]";
    case Form::map:
      for (const Entry& entry : node.entries) out += (out.empty() ? "" : ",") + entry.key + ":" + show(*entry.value);
      return "{" + out + "}";
  }
  return out;
}

std::string show(const Documents& documents) {
  std::string out;
  for (const Node* root : documents.roots) out += (out.empty() ? "" : " ") + show(*root);
  for (const Problem& problem : documents.problems) {
    out += concat(" !", problem.position.line, ":", problem.position.column, " ", problem.path, " ", problem.rule);
  }
  return out;
}

std::string shown(std::string_view text) { return show(parse_documents(text)); }

TEST(Yaml, BreaksOffAtWhatItCannotRead) {
  const struct {
    const char* text;
    const char* problem;
  } cases[] = {
      {"a: \"x\n", "!1:4  the quote is never closed"},
      {"a: 'x''\n", "!1:4  the quote is never closed"},
      {"a: !!str \"x\n", "!1:4  the quote is never closed"},
      {"a: \"x", "illegal EOF in scalar"},
      {"a: b: c", "!1:5  illegal map value"},
      {"a:\n\tb: 1", "illegal map value"},
      {"a: [1, 2", "end of sequence flow not found"},
      {"a: {b: 1", "end of map flow not found"},
      {"a: *nope", "!1:4  the referenced anchor is not defined"},
      {"a: 1\n- b", "!2:1  end of map not found"},
      {"? [a]\n: b", "!1:3  a key must be a scalar"},
      {"a: &x [*x]", "!1:8 a[0] is an alias to something that contains it"},
      {"{a: 1} {b: 2}", "!1:8  expected the end of the document or \"---\""},
      {"a: \x01", "!1:4  control character 1"},
      {"a: \x7f", "!1:4  control character 127"},
      {"a: 1\rb: 2", "control character 13"},
      {"a: \xff", "!1:4  the text is not UTF-8"},
      {"a: \xc0\xaf", "!1:4  the text is not UTF-8"},
      {"a: \xed\xa0\x80", "the text is not UTF-8"},
      {"a: \xf4\x90\x80\x80", "the text is not UTF-8"},
      {"a: \xe2\x82", "the text is not UTF-8"},
  };
  for (const auto& [text, problem] : cases) {
    const Documents documents = parse_documents(text);
    EXPECT_FALSE(documents.complete) << text;
    EXPECT_THAT(show(documents), HasSubstr(problem)) << text;
  }
}

TEST(Yaml, FindsDuplicateAndAmbiguousKeysAndReadsOn) {
  EXPECT_THAT(
      shown("a: 1\nb: {c: 1, c: 2}\na: 3\nd: 4"),
      HasSubstr("!2:11 b the key 'c' is given twice, before at 2:5 !3:1  the key 'a' is given twice, before at 1:1"));
  EXPECT_THAT(shown("on: 1"), HasSubstr("!1:1  the key on must be quoted"));
  EXPECT_THAT(shown("~: 1"), HasSubstr("a key must not be null"));
  EXPECT_EQ(shown("\"on\": 1"), "{on:1}");
  EXPECT_EQ(shown("a: 1\n1: b"), "{a:1,1:b}");
}

TEST(Yaml, KeepsTheLettersAndTheQuotes) {
  EXPECT_EQ(shown("a: 1\nb: \"1\"\nc: '1'\nd: |\n  x\n  y\ne: >-\n  x\n  y\nf: ~\ng:\nh: ! 1"),
            "{a:1,b:\"1\",c:\"1\",d:\"x\ny\n\",e:\"x y\",f:null,g:null,h:\"1\"}");
  EXPECT_EQ(shown("a: 'it''s'\nb: \"q\\\"q\"\nc: x"), "{a:\"it's\",b:\"q\"q\",c:x}");
}

TEST(Yaml, TakesTheTagsOfItsCoreSchemaOnly) {
  EXPECT_EQ(shown("a: !!str 1\nb: !!int 2\nc: !!bool true\nd: !!map {}\ne: !!seq []\nf: !!null ''"),
            "{a:\"1\",b:2,c:true,d:{},e:[],f:null}");
  EXPECT_THAT(shown("a: !env X"), HasSubstr("!1:4 a the tag '!env' is not supported"));
  EXPECT_THAT(shown("a: !!int x"), HasSubstr("is not supported for this value"));
  EXPECT_THAT(shown("a: !!binary aGk="), HasSubstr("is not supported for this value"));
  EXPECT_THAT(shown("a: !point {x: 1}"), HasSubstr("the tag '!point' is not supported"));
}

TEST(Yaml, ExpandsAliasesAndMergesMaps) {
  EXPECT_EQ(shown("a: &x [1, {b: 2}]\nc: *x"), "{a:[1,{b:2}],c:[1,{b:2}]}");
  EXPECT_EQ(shown("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3"), "{a:{k:1,l:2},b:{l:3,k:1}}");
  EXPECT_EQ(shown("b: {l: 3, <<: [{k: 1}, {k: 2, m: 4}]}"), "{b:{l:3,k:1,m:4}}");
  EXPECT_THAT(shown("b: {<<: 1}"), HasSubstr("takes a map or a list of maps"));
  EXPECT_EQ(shown("b: {\"<<\": 1}"), "{b:{<<:1}}");
  EXPECT_EQ(shown("a: &x k\n*x : v"), "{a:k,k:v}");
  EXPECT_EQ(shown("&x k: *x"), "{k:k}");
}

TEST(Yaml, AnchorsEndWithTheirDocument) {
  EXPECT_THAT(shown("a: &x 1\n---\nb: *x"), HasSubstr("anchor is not defined"));
}

TEST(Yaml, SeparatesDocuments) {
  EXPECT_EQ(shown("a: 1\n---\nb: 2\n...\n---\n---\n# c\n"), "{a:1} {b:2} null null");
  EXPECT_EQ(shown("%YAML 1.2\n---\na: 1"), "{a:1}");
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown(" \n# only a comment\n"), "");
}

TEST(Yaml, KnowsWhereThingsStand) {
  const Documents documents = parse_documents(
      "\xef\xbb\xbf"
      "a:\r\n  - x\r\n  -   k: v\r\n");
  ASSERT_EQ(documents.roots.size(), 1U);
  const Entry& a = documents.roots[0]->entries.at(0);
  EXPECT_EQ(a.position, (Position{1, 1}));
  EXPECT_EQ(a.value->entries.at(0).position, (Position{2, 5}));
  const Entry& k = a.value->entries.at(1).value->entries.at(0);
  EXPECT_EQ(k.position, (Position{3, 7}));
  EXPECT_EQ(k.value->position, (Position{3, 10}));
  EXPECT_EQ(k.value->text, "v");
}

TEST(Yaml, ClosingQuotesAreFoundBehindWideCharactersAndCarriageReturns) {
  EXPECT_EQ(shown("\xc3\xa9: \"\xc3\xbc\"\r\n\"b\": 'x'\r\n---\r\nc: \"y\"\r\n"),
            "{\xc3\xa9:\"\xc3\xbc\",b:\"x\"} {c:\"y\"}");
  EXPECT_THAT(shown("\xc3\xa9: \"\xc3\xbc\"\r\nb: \"x\r\n"), HasSubstr("!2:4  the quote is never closed"));
}

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += open;
  for (std::size_t i = 0; i < depth; ++i) out += close;
  return out;
}

TEST(Limits, NestingEndsAtAHundred) {
  EXPECT_TRUE(parse_documents(nested(100, "[", "]")).complete);
  EXPECT_THAT(shown(nested(101, "[", "]")), HasSubstr("is nested deeper than 100 levels"));
  EXPECT_TRUE(parse_documents("- " + nested(99, "[", "]")).complete);
  EXPECT_THAT(shown("- " + nested(100, "[", "]")), HasSubstr("is nested deeper than 100 levels"));
  EXPECT_THAT(shown(nested(100'000, "{\"a\":", "}")), HasSubstr("is nested deeper than 100 levels"));
  EXPECT_THAT(shown("a: " + nested(100'000, "[", "]")), HasSubstr("is nested deeper than 100 levels"));
}

TEST(Limits, AnAliasBringsItsOwnDepth) {
  EXPECT_TRUE(parse_documents("a: &x " + nested(98, "[", "]") + "\nb: [*x]").complete);
  EXPECT_THAT(shown("a: &x " + nested(98, "[", "]") + "\nb: [[*x]]"),
              HasSubstr("b[0][0] is nested deeper than 100 levels"));
}

TEST(Limits, ABillionLaughsEndAtAHundredThousand) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = concat("*a", i - 1);
    text += concat("a", i, ": &a", i, " [", before);
    for (int k = 0; k < 9; ++k) text += ", " + before;
    text += "]\n";
  }
  const Documents documents = parse_documents(text);
  EXPECT_FALSE(documents.complete);
  EXPECT_THAT(documents.problems.back().rule, HasSubstr("aliases expand to more than 100000 values"));
  EXPECT_LT(documents.nodes.size(), 1000U);
}

TEST(Limits, AnAliasToLongTextIsNotFree) {
  std::string text = "a: &x " + std::string(1'000'000, 'x') + "\nb: [";
  for (int i = 0; i < 10; ++i) text += "*x, ";
  EXPECT_THAT(shown(text + "]").substr(0, 200), HasSubstr("aliases expand to more than 100000 values"));
}

TEST(Limits, TextEndsAtEightMebibytes) {
  EXPECT_TRUE(parse_documents("a: " + std::string(kMaxTextBytes - 3, 'x')).complete);
  EXPECT_THAT(shown("a: " + std::string(kMaxTextBytes - 2, 'x')), HasSubstr("larger than 8388608 bytes"));
}

TEST(Limits, ValuesEndAtHalfAMillion) {
  std::string text = "[0";
  for (std::size_t i = 0; i < 700'000; ++i) text += ",0";
  EXPECT_THAT(shown(text + "]"), HasSubstr("there are more than 500000 values"));
}

TEST(Json, IsExact) {
  const struct {
    const char* text;
    const char* problem;
  } cases[] = {
      {R"({"a":"\ud83d"})", "half of a surrogate pair"},
      {R"({"a":"\ude00"})", "half of a surrogate pair"},
      {R"({"a":"\ud83d\u0041"})", "half of a surrogate pair"},
      {R"({"a":"\u12g4"})", "four hexadecimal digits"},
      {R"({"a":"\q"})", "unknown escape"},
      {R"({"a":"x)", "the string is never closed"},
      {"{\"a\":\"x\ty\", \"b\": }", "a control character in a string must be escaped"},
      {R"({"a":01x})", "'01x' is not a JSON value"},
      {R"({"a":1,,})", "expected a key"},
      {"{\"a\":1,\n\"b\":[1,2}", "expected ',' or ']' but found '}'"},
      {R"({"a" 1})", "expected ':' but found '1'"},
      {R"({"a":)", "expected a value but the text ends"},
  };
  for (const auto& [text, problem] : cases) {
    const Documents documents = parse_embedded_json(text, {7, 3});
    EXPECT_FALSE(documents.complete) << text;
    EXPECT_THAT(show(documents), HasSubstr(problem)) << text;
    EXPECT_EQ(documents.problems.at(0).position, (Position{7, 3}));
  }
}

TEST(Json, ReadsWhatYamlReadersStumbleOver) {
  EXPECT_EQ(shown("\t{\n\t\"a\" :\t1 ,\n\t\"b\"\t: [\t] }"), "{a:1,b:[]}");
  EXPECT_EQ(shown(R"({"a":"\ud83d\ude00\u00e9\u20ac\/\b\f\n\r\t\"\\"})"),
            "{a:\"\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac/\b\f\n\r\t\"\\\"}");
  EXPECT_EQ(shown(R"({"a":-1.5e+3,"b":true,"c":null,"d":"","e":{},"f":[[]]})"),
            "{a:-1.5e+3,b:true,c:null,d:\"\",e:{},f:[[]]}");
  EXPECT_EQ(shown("{\"a\":1}\n{\"a\":2}"), "{a:1} {a:2}");
  EXPECT_EQ(shown("{\"a\":1}\n---\n\t{\"a\":2}\n"), "{a:1} {a:2}");
  EXPECT_EQ(shown(R"({"a":{"b":1,"b":2}})"), "{a:{b:1,b:2}} !1:13 a the key 'b' is given twice, before at 1:7");
}

TEST(Json, KnowsWhereThingsStand) {
  const Documents documents = parse_documents("{\n\t\"a\": [\n 10, {\"b\": \"x\"}]}");
  ASSERT_EQ(documents.roots.size(), 1U);
  const Entry& a = documents.roots[0]->entries.at(0);
  EXPECT_EQ(a.position, (Position{2, 2}));
  EXPECT_EQ(a.value->entries.at(0).position, (Position{3, 2}));
  EXPECT_EQ(a.value->entries.at(1).value->entries.at(0).position, (Position{3, 7}));
}

TEST(Json, TextThatOnlyLooksLikeItIsYaml) {
  EXPECT_EQ(shown("{a: 1, b: [x,]}"), "{a:1,b:[x]}");
  EXPECT_EQ(shown("[a, 'b'] # c"), "[a,\"b\"]");
  EXPECT_EQ(shown("{\"a\": 1}\n---\nb: 2"), "{a:1} {b:2}");
}

TEST(Json, ThereIsExactlyOneValueInAString) {
  EXPECT_EQ(show(parse_embedded_json("{\"a\":1}", {3, 4})), "{a:1}");
  EXPECT_THAT(show(parse_embedded_json("", {3, 4})), HasSubstr("!3:4  must be one JSON value"));
  EXPECT_THAT(show(parse_embedded_json("1 2", {3, 4})), HasSubstr("must be one JSON value"));
  EXPECT_THAT(show(parse_embedded_json("{\n x}", {3, 4})),
              HasSubstr("!3:4  is not usable JSON, line 2 column 2: expected"));
  EXPECT_EQ(parse_embedded_json("{\"a\":1}", {3, 4}).roots[0]->entries[0].position, (Position{3, 4}));
}

}  // namespace
}  // namespace tank::spec
