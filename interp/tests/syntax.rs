//! The trees of right sources, and the errors of wrong ones.

mod support;

use instar_interp::syntax::{
    Completeness, ExpressionKind, MAX_ERRORS, Statement, TokenKind, completeness, parse_doit, parse_method,
    parse_method_parts, render, tokens,
};
use instar_interp::syntax::{MAX_ARGUMENTS, MAX_HEIGHT, MAX_NESTING, Span};
use support::trees::{doit, doit_errors, method, method_errors};

/// Each source and its tree.
fn check(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(doit(source), *expected, "{source}");
    }
}

#[test]
fn messages_bind_unary_first_then_binary_then_keyword() {
    check(&[
        ("a b c", "((a b) c)"),
        ("a + b * c", "((a + b) * c)"),
        ("a b + c d", "((a b) + (c d))"),
        ("a at: b + c put: d e", "(a at:put: (b + c) (d e))"),
        ("(a at: b) + c", "((a at: b) + c)"),
        ("a foo:bar", "(a foo: bar)"),
        ("a -> b , c ==> d >= e", "((((a -> b) , c) ==> d) >= e)"),
        ("a || b", "(a || b)"),
        ("a ÷ b × c", "((a ÷ b) × c)"),
        ("grüße straße", "(grüße straße)"),
    ]);
}

#[test]
fn minus_signs() {
    check(&[
        ("3 - -4", "(3 - -4)"),
        ("3-4", "(3 - 4)"),
        ("3--4", "(3 - -4)"),
        ("a -1", "(a - 1)"),
        ("a - 1", "(a - 1)"),
        ("-1 abs", "(-1 abs)"),
        ("-16rA", "-10"),
        ("16r-A", "-10"),
        ("x->-4", "(x -> -4)"),
        ("-0.0", "-0.0"),
        ("#(1 -1 a -1.5)", "#(1 -1 #a -1.5)"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-100000000000000000000", "-100000000000000000000"),
    ]);
}

#[test]
fn literals() {
    check(&[
        ("16r1F", "31"),
        ("36rZZ", "1295"),
        ("1e100", &format!("1{}", "0".repeat(100))),
        ("1e-3", "1/1000"),
        ("2r1e4", "16"),
        ("1.5e-3", "0.0015"),
        ("1.5s2", "3/2s2"),
        ("3s", "3/1s0"),
        ("3 s", "(3 s)"),
        ("3sqrt", "(3 sqrt)"),
        ("1.5ra", "(1.5 ra)"),
        ("16r1and", "(1 and)"),
        ("1887.16r", "(1887.16 r)"),
        ("$a", "$a"),
        ("$  foo", "($  foo)"),
        ("$'", "$'"),
        ("$]", "$]"),
        ("$ß", "$ß"),
        ("'it''s'", "'it's'"),
        ("''", "''"),
        ("''''", "'''"),
        ("#foo", "#foo"),
        ("#foo:bar:", "#foo:bar:"),
        ("#foo:bar", "#foo:bar"),
        ("#+", "#+"),
        ("#->", "#->"),
        ("##foo", "#foo"),
        ("#_x1", "#_x1"),
        ("# \"why\" foo", "#foo"),
        ("#'with space'", "#with space"),
        ("#'it''s'", "#it's"),
        ("nil. true. false", "nil. true. false"),
        ("self. super. thisContext", "SELF. SUPER. CONTEXT"),
        ("#[]", "#[]"),
        ("#[1 16rFF 0]", "#[1, 255, 0]"),
        ("{}", "{}"),
        ("{1. a. b c: 3.}", "{1. a. (b c: 3)}"),
        ("#()", "#()"),
    ]);
}

#[test]
fn literal_arrays_hold_bare_words_and_nested_arrays() {
    let source = "#(1 $a foo #bar baz: at:put: (1 2) #(3) true false nil #true #[1 2] [3] 'x' #'y z' + -> thisContext #+ 1.5)";
    let expected = "#(1 $a #foo #bar #baz: #at:put: #(1 2) #(3) true false nil #true #[1, 2] #[3] 'x' #y z #+ #-> #thisContext #+ 1.5)";
    check(&[(source, expected), ("#(foo:bar: baz)", "#(#foo:bar: #baz)"), ("#(#(#()) ())", "#(#(#()) #())")]);
}

#[test]
fn blocks() {
    check(&[
        ("[]", "[]"),
        ("[ :x ]", "[x]"),
        ("[ :x | ]", "[x]"),
        ("[:x:y|x]", "[x y: x]"),
        ("[ : x | x ]", "[x: x]"),
        ("[:a||b| b]", "[a: |b| b]"),
        ("[:a | | b | b]", "[a: |b| b]"),
        ("[ :a ||| b ]", "[a: b]"),
        ("[ || 3 ]", "[: 3]"),
        ("[ | t | t := 1. ^ t ]", "[: |t| t := 1. ^t]"),
        ("[ :x |-1 ]", "[x: -1]"),
        ("[:x|[:y|x+y]]", "[x: [y: (x + y)]]"),
    ]);
}

#[test]
fn cascades() {
    check(&[
        ("a foo; bar", "(a foo; bar)"),
        ("a b foo: 1; bar: 2; + 3; yourself", "((a b) foo: 1; bar: 2; + 3; yourself)"),
        ("super foo; bar", "(SUPER foo; bar)"),
        ("a + b; * c", "(a + b; * c)"),
        ("x := a foo; bar", "x := (a foo; bar)"),
        ("(a foo) bar; baz", "((a foo) bar; baz)"),
    ]);
}

#[test]
fn statements() {
    check(&[
        ("", ""),
        (" . .. ", ""),
        ("a. . b.", "a. b"),
        ("a := b := c", "a := b := c"),
        ("a:=1", "a := 1"),
        ("|a b| a", "|a b| a"),
        ("|a| |b| a", "|a b| a"),
        ("|a| a := 1. |b| b", "|a b| a := 1. b"),
        ("| | a", "a"),
        ("|| a", "a"),
        ("^ a", "^a"),
        ("^a. b", "^a. b"),
        ("\"one\" a \"two\" b \"three\"\"four\"", "(a b)"),
        ("(((a)))", "a"),
    ]);
}

#[test]
fn methods() {
    for (source, expected) in [
        ("size", "size()"),
        ("size ^ 3", "size() ^3"),
        ("+ other\n\t^ self", "+(other) ^SELF"),
        ("| other ^ 1", "|(other) ^1"),
        ("at: a put: b\n\t\"comment\"\n\t| t |\n\t^ t", "at:put:(a b) |t| ^t"),
        ("foo <primitive: 1> ^ 2", "foo() <primitive: 1> ^2"),
        ("foo | t | <primitive: 60 error: code> ^ t", "foo() <primitive:error: 60 var code> |t| ^t"),
        (
            "foo <a><b: #x with: -3> | t | <c: nil d: #(1 $x)> | u |",
            "foo() <a > <b:with: #x -3> <c:d: nil #(1 $x)> |t u|",
        ),
        ("foo <primitive: 'name' module: 'lib'>", "foo() <primitive:module: 'name' 'lib'>"),
        ("foo <a: 1> ^ 1 < 2", "foo() <a: 1> ^(1 < 2)"),
        ("true ^ self nil", "true() ^(SELF nil)"),
    ] {
        assert_eq!(method(source), expected, "{source}");
    }
}

#[test]
fn spans_cover_what_was_written() {
    let source = "at: k put: v\n\t<key: 1>\n\t^ (k + 1) foo: [ :x | x ]; bar";
    let method = parse_method(source).unwrap();
    assert_eq!(method.selector.span.of(source), "at: k put: v");
    assert_eq!(method.arguments[1].span.of(source), "v");
    assert_eq!(method.pragmas[0].span.of(source), "<key: 1>");
    assert_eq!(method.span.of(source), source);
    let statement = &method.body.statements[0];
    assert_eq!(statement.span().of(source), "^ (k + 1) foo: [ :x | x ]; bar");
    let Statement::Return { value, .. } = statement else { panic!() };
    assert_eq!(value.span.of(source), "(k + 1) foo: [ :x | x ]; bar");
    let ExpressionKind::Cascade(cascade) = &value.kind else { panic!() };
    assert_eq!(cascade.receiver.span.of(source), "k + 1");
    assert_eq!(cascade.messages[0].span.of(source), "foo: [ :x | x ]");
    assert_eq!(cascade.messages[0].selector.span.of(source), "foo:");
    assert_eq!(cascade.messages[0].arguments[0].span.of(source), "[ :x | x ]");
    assert_eq!(cascade.messages[1].span.of(source), "bar");
}

#[test]
fn a_method_in_parts_has_the_spans_of_its_file() {
    let file = "Foo >> at: k [\n\t^ k ]x\n]";
    let span = |part: &str| {
        let start = file.find(part).unwrap() as u32;
        Span::new(start, start + part.len() as u32)
    };
    let method = parse_method_parts(file, span("at: k"), span("\n\t^ k")).unwrap();
    assert_eq!(method.arguments[0].span.of(file), "k");
    assert_eq!(method.body.statements[0].span().of(file), "^ k");
    let errors = parse_method_parts(file, span("at: k"), span("\n\t^ k ]x\n")).unwrap_err();
    assert_eq!(errors[0].brief(file), "2:6: this ] closes nothing");
    let errors = parse_method_parts(file, span("at:"), span("\n\t^ k ]x\n")).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(parse_method_parts(file, Span::new(3, 900), Span::new(0, 0)).is_err());
    assert!(parse_method_parts(file, Span::new(3, 2), Span::new(0, 0)).is_err());
}

#[test]
fn errors_say_what_a_person_expects() {
    for (source, expected) in [
        ("a foo: ", &["1:8: expected an argument for foo:, found the end"][..]),
        ("a + ", &["1:5: expected an argument for +, found the end"]),
        ("a\n foo: [\n b", &["3:3: expected ] to close the block opened at line 2"]),
        ("(a", &["1:3: expected ) to close the parenthesis opened at line 1"]),
        ("{a. b", &["1:6: expected } to close the brace array opened at line 1"]),
        ("#(1 2", &["1:6: expected ) to close the literal array opened at line 1"]),
        ("#[1 2", &["1:6: expected ] to close the byte array opened at line 1"]),
        ("#[1 256]", &["1:5: an element of a byte array is a number from 0 to 255"]),
        ("#[1 a]", &["1:5: expected a number from 0 to 255 or the end of the byte array, found a"]),
        (
            "#(1 . 2). 3 +",
            &[
                "1:5: expected a literal or the end of the literal array, found .",
                "1:14: expected an argument for +, found the end",
            ],
        ),
        ("'abc", &["1:1: this string is not closed"]),
        ("a b: #'abc", &["1:7: this symbol is not closed"]),
        ("a \"abc", &["1:3: this comment is not closed"]),
        ("(a \"abc", &["1:4: this comment is not closed"]),
        ("a foo) bar. b )", &["1:6: this ) closes nothing", "1:15: this ) closes nothing"]),
        ("[ a ) ]. b", &["1:5: this ) closes nothing"]),
        ("( a ] . b", &["1:5: expected ) to close the parenthesis opened at line 1"]),
        (
            "[ (a ]. b foo: . c",
            &[
                "1:6: expected ) to close the parenthesis opened at line 1",
                "1:16: expected an argument for foo:, found .",
            ],
        ),
        (
            "x := (3 + 4. y := 5 foo: . z",
            &[
                "1:12: expected ) to close the parenthesis opened at line 1",
                "1:26: expected an argument for foo:, found .",
            ],
        ),
        (
            "x := (3 + . 4). y := foo: 3",
            &["1:11: expected an argument for +, found .", "1:22: expected an expression, found foo:"],
        ),
        ("a 3", &["1:3: expected a period or a message, found 3"]),
        ("self := 3. true := 4", &["1:1: self cannot be assigned to", "1:12: true cannot be assigned to"]),
        ("a + b := 3", &["1:7: an assignment stands before a message"]),
        ("a b := 3", &["1:5: only a variable can be assigned to"]),
        ("3 := 4", &["1:3: only a variable can be assigned to"]),
        ("|a self| a", &["1:4: self is reserved and cannot name a variable"]),
        ("|a 3", &["1:4: expected | to end the declaration of temporaries, found 3"]),
        ("[:3]", &["1:3: expected the name of the block's argument, found 3"]),
        ("[:x x]", &["1:5: expected | after the block's arguments, found x"]),
        ("a; b", &["1:2: a cascade follows a message"]),
        ("a b; 3", &["1:6: expected a message after the semicolon, found 3"]),
        ("a b;", &["1:5: expected a message after the semicolon, found the end"]),
        ("^", &["1:2: expected an expression, found the end"]),
        ("2r3", &["1:1: 3 is no digit in radix 2"]),
        ("16rff", &["1:1: digits above 9 are capital letters"]),
        ("16r1.8f", &["1:1: digits above 9 are capital letters"]),
        ("16r1f foo", &["1:1: digits above 9 are capital letters"]),
        ("- 4", &["1:1: expected an expression, found -"]),
        ("a → b", &["1:3: the character → (U+2192) means nothing here"]),
        ("a\u{a0}b", &["1:2: the character (U+00A0) means nothing here"]),
        ("# ", &["1:1: expected a symbol, ( or [ after #"]),
        ("a $", &["1:3: expected a character after $"]),
        (
            "a ` b. c ` d",
            &[
                "1:3: the character ` (U+0060) means nothing here",
                "1:10: the character ` (U+0060) means nothing here",
            ],
        ),
    ] {
        assert_eq!(doit_errors(source), expected, "{source}");
    }
}

#[test]
fn errors_of_methods() {
    for (source, expected) in [
        ("", &["1:1: expected the method's name, found the end"][..]),
        ("at: ", &["1:5: expected the name of the argument, found the end"]),
        ("at: 3", &["1:5: expected the name of the argument, found 3"]),
        ("+ self ^ 1", &["1:3: self is reserved and cannot name a variable"]),
        (
            "foo <bar: > ^ 1 + . 3",
            &[
                "1:11: expected a literal as the pragma's argument, found >",
                "1:19: expected an argument for +, found .",
            ],
        ),
        ("foo <bar ^ 1", &["1:10: expected > to end the pragma, found ^"]),
        ("foo <a: Foo>", &["1:9: expected a literal as the pragma's argument, found Foo"]),
        ("foo a. <bar>", &["1:8: a pragma stands before the first statement"]),
        ("foo ^ 1 ]", &["1:9: this ] closes nothing"]),
    ] {
        assert_eq!(method_errors(source), expected, "{source}");
    }
}

#[test]
fn errors_are_shown_with_their_lines() {
    let source = "a\n  foo: [\n  b";
    let shown = render("x.st", source, &parse_doit(source).unwrap_err());
    assert!(
        shown.contains("x.st:3:4") && shown.contains("opened here") && shown.contains("foo: ["),
        "{shown}"
    );
    // A source that is not the right one does no harm.
    render("x.st", "ü", &parse_doit(source).unwrap_err());
}

#[test]
fn hostile_sources_meet_limits() {
    let limited = |source: String, message: &str| {
        let errors = doit_errors(&source);
        assert!(errors.len() == 1 && errors[0].contains(message), "{errors:?}");
    };
    for bracket in ["(", "[", "{", "#(", "#((", "a := ", "[:x|", "a foo: ("] {
        limited(bracket.repeat(100_000), &format!("nested deeper than {MAX_NESTING}"));
    }
    for part in [" b", " + b", ", 'x'"] {
        limited(format!("a{}", part.repeat(100_000)), &format!("more than {MAX_HEIGHT} levels"));
    }
    // Height adds up over parentheses.
    let part = " b".repeat(100);
    limited(format!("{}a{}", "(".repeat(50), format!("{part})").repeat(50)), "levels");
    limited("1e70000 ".repeat(2000).replace(' ', ". "), "take more than");
    limited(format!("x {}", "a: 1 ".repeat(MAX_ARGUMENTS + 1)), "at most 255 arguments");
    assert_eq!(doit_errors(&"2 ) ".repeat(1000)).len(), MAX_ERRORS);
    // Just inside of the limits.
    let depth = MAX_NESTING as usize;
    doit(&format!("{}a{}", "(".repeat(depth), ")".repeat(depth)));
    doit(&format!("a{}", " b".repeat(MAX_HEIGHT as usize - 1)));
}

#[test]
fn a_prompt_can_tell_incomplete_from_wrong() {
    for source in [
        "a foo:", "[ :x |", "'abc", "\"abc", "{ 1. 2", "(3 +", "| a", "| a b", "a foo; ", "#(1 2", "x :=",
        "^", "$", "#",
    ] {
        assert_eq!(completeness(source), Completeness::Incomplete, "{source}");
    }
    for source in ["", "a", "a foo: 3.", "| a | a := 3", "\"only this\""] {
        assert_eq!(completeness(source), Completeness::Complete, "{source}");
    }
    for source in ["a )", "3 := 4 +", "a ] foo:", "self := ", "a foo: ]. 'abc"] {
        assert!(matches!(completeness(source), Completeness::Wrong(_)), "{source}");
    }
}

#[test]
fn tokens_cover_all_but_space() {
    let source = "a := #(1 $ ) at: 'x''y' -3; \"c\" ^ {16r1F}. `";
    let covered: Vec<&str> = tokens(source).map(|token| token.span.of(source)).collect();
    let expected =
        ["a", ":=", "#(", "1", "$ ", ")", "at:", "'x''y'", "-", "3", ";", "^", "{", "16r1F", "}", ".", "`"];
    assert_eq!(covered, expected);
    assert_eq!(tokens(source).last().unwrap().kind, TokenKind::Wrong);
}
