//! No text makes the parser panic or answer nonsense; what is written down from a random tree is read as that tree.

mod support;

use instar_interp::syntax::{
    Block, Body, Expression, ExpressionKind, Message, Span, Statement, SyntaxError, completeness, parse_doit,
    parse_method, parse_method_parts, render, tokens,
};
use proptest::prelude::*;
use support::trees::doit;

/// A text, and its tree as [`support::show`] shows it.
type Pair = (String, String);

/// What may stand between two tokens.
fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(" "), 1 => Just("\n\t"), 1 => Just(" \"a 'comment' [( \" "), 1 => Just("  ")]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_][a-zA-Z0-9_]{0,6}"
        .prop_filter("reserved", |name| !["self", "super", "nil", "true", "false"].contains(&name.as_str()))
}

fn operator() -> impl Strategy<Value = String> {
    "[+*/\\\\~<>=@%|&?!,-]{1,3}".prop_map(|text| text)
}

fn literal() -> impl Strategy<Value = Pair> {
    prop_oneof![
        any::<i64>().prop_map(|value| (value.to_string(), value.to_string())),
        (0_i64..1 << 60).prop_map(|value| (format!("16r{value:X}"), value.to_string())),
        (-1e9_f64..1e9).prop_map(|value| (format!("{value:?}"), format!("{value:?}"))),
        any::<char>().prop_map(|letter| (format!("${letter}"), format!("${letter}"))),
        ".{0,8}".prop_map(|text| (format!("'{}'", text.replace('\'', "''")), format!("'{text}'"))),
        ".{0,8}".prop_map(|text| (format!("#'{}'", text.replace('\'', "''")), format!("#{text}"))),
        name().prop_map(|name| (format!("#{name}"), format!("#{name}"))),
        operator().prop_map(|operator| (format!("#{operator}"), format!("#{operator}"))),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| {
            let words: Vec<String> = bytes.iter().map(u8::to_string).collect();
            (format!("#[{}]", words.join(" ")), format!("#{bytes:?}"))
        }),
    ]
}

fn literal_array(element: impl Strategy<Value = Pair>) -> impl Strategy<Value = Pair> {
    let element = prop_oneof![
        3 => element,
        1 => name().prop_map(|name| (name.clone(), format!("#{name}"))),
        1 => Just(("nil".to_owned(), "nil".to_owned())),
    ];
    (prop::collection::vec(element, 0..4), space()).prop_map(|(elements, space)| {
        let (texts, trees): (Vec<String>, Vec<String>) = elements.into_iter().unzip();
        (format!("#({})", texts.join(space)), format!("#({})", trees.join(" ")))
    })
}

fn primary() -> impl Strategy<Value = Pair> {
    prop_oneof![
        3 => name().prop_map(|name| (name.clone(), name)),
        3 => literal(),
        1 => literal_array(literal_array(literal())),
        1 => Just(("self".to_owned(), "SELF".to_owned())),
    ]
}

/// An expression that can stand anywhere: what is not primary has parentheses.
fn expression() -> impl Strategy<Value = Pair> {
    primary().prop_recursive(5, 60, 4, |inner| {
        let parenthesised = inner.clone().prop_map(|(text, tree)| (format!("({text})"), tree));
        let list = prop::collection::vec(parenthesised.clone(), 1..4);
        prop_oneof![
            (parenthesised.clone(), name(), space()).prop_map(|((text, tree), name, space)| (
                format!("{text}{space}{name}"),
                format!("({tree} {name})")
            )),
            (parenthesised.clone(), operator(), parenthesised.clone(), space()).prop_map(
                |((left, left_tree), operator, (right, right_tree), space)| {
                    let text = format!("{left}{space}{operator}{space}{right}");
                    (text, format!("({left_tree} {operator} {right_tree})"))
                }
            ),
            (parenthesised.clone(), prop::collection::vec((name(), parenthesised.clone()), 1..4), space())
                .prop_map(keyword_send),
            (parenthesised.clone(), prop::collection::vec(name(), 2..4), space()).prop_map(
                |((text, tree), names, space)| {
                    (
                        format!("{text} {}", names.join(&format!("{space};"))),
                        format!("({tree} {})", names.join("; ")),
                    )
                }
            ),
            (list.clone(), space()).prop_map(|(list, space)| {
                let (texts, trees): (Vec<String>, Vec<String>) = list.into_iter().unzip();
                (format!("{{{}}}", texts.join(&format!(".{space}"))), format!("{{{}}}", trees.join(". ")))
            }),
            (name(), inner.clone())
                .prop_map(|(name, (text, tree))| (format!("{name} := {text}"), format!("{name} := {tree}"))),
            (name(), name(), list).prop_map(|(parameter, temporary, list)| {
                let (texts, trees): (Vec<String>, Vec<String>) = list.into_iter().unzip();
                let text = format!("[:{parameter}||{temporary}|{}]", texts.join("."));
                (text, format!("[{parameter}: |{temporary}| {}]", trees.join(". ")))
            }),
        ]
    })
}

fn keyword_send((receiver, arguments, space): (Pair, Vec<(String, Pair)>, &'static str)) -> Pair {
    let mut text = receiver.0;
    let (mut selector, mut trees) = (String::new(), String::new());
    for (name, (argument, tree)) in arguments {
        text.push_str(&format!("{space}{name}:{space}{argument}"));
        selector.push_str(&format!("{name}:"));
        trees.push_str(&format!(" {tree}"));
    }
    (text, format!("({} {selector}{trees})", receiver.1))
}

/// Texts of the alphabet that the syntax is made of.
fn soup() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("["),
        Just("]"),
        Just("("),
        Just(")"),
        Just("{"),
        Just("}"),
        Just("#("),
        Just("#["),
        Just("#"),
        Just("|"),
        Just("||"),
        Just(":"),
        Just(":="),
        Just("."),
        Just(";"),
        Just("^"),
        Just("'"),
        Just("\""),
        Just("$"),
        Just("-"),
        Just("<"),
        Just(">"),
        Just("a"),
        Just("at: "),
        Just("self"),
        Just("1"),
        Just("16r"),
        Just("1e"),
        Just("s2"),
        Just(" "),
        Just("\n"),
        Just("é"),
        Just("→"),
        Just("×"),
        Just("primitive: "),
        Just("_"),
        Just("!"),
        Just("\u{0}"),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn check_any(source: &str) {
    let check_errors = |errors: &[SyntaxError]| {
        assert!(!errors.is_empty());
        assert!(errors.windows(2).all(|pair| pair[0].span.start <= pair[1].span.start));
        for error in errors {
            check_span(source, error.span);
            error.related.iter().for_each(|(span, _)| check_span(source, *span));
        }
        assert!(!render("text", source, errors).is_empty());
    };
    match parse_doit(source) {
        Ok(tree) => check_body(source, &tree.body, tree.span),
        Err(errors) => check_errors(&errors),
    }
    match parse_method(source) {
        Ok(tree) => {
            check_span(source, tree.span);
            check_body(source, &tree.body, tree.span);
        }
        Err(errors) => check_errors(&errors),
    }
    completeness(source);
    let mut end = 0;
    for token in tokens(source) {
        check_span(source, token.span);
        assert!(token.span.start >= end && token.span.end > token.span.start);
        end = token.span.end;
    }
}

fn check_span(source: &str, span: Span) {
    assert!(source.get(span.range()).is_some(), "{span:?} in {source:?}");
}

fn check_inside(source: &str, span: Span, outer: Span) {
    check_span(source, span);
    assert!(outer.start <= span.start && span.end <= outer.end, "{span:?} in {outer:?} of {source:?}");
}

fn check_body(source: &str, body: &Body<'_>, outer: Span) {
    for name in &body.temporaries {
        check_inside(source, name.span, outer);
        assert_eq!(name.span.of(source), name.text);
    }
    for statement in &body.statements {
        check_inside(source, statement.span(), outer);
        let (Statement::Expression(expression) | Statement::Return { value: expression, .. }) = statement;
        check_expression(source, expression, statement.span());
    }
}

fn check_expression(source: &str, expression: &Expression<'_>, outer: Span) {
    let span = expression.span;
    check_inside(source, span, outer);
    match &expression.kind {
        ExpressionKind::Variable(name) => assert_eq!(span.of(source), *name),
        ExpressionKind::Pseudo(_) | ExpressionKind::Literal(_) => {}
        ExpressionKind::Brace(elements) => {
            elements.iter().for_each(|element| check_expression(source, element, span));
        }
        ExpressionKind::Block(block) => {
            let Block { parameters, body } = &**block;
            parameters.iter().for_each(|name| check_inside(source, name.span, span));
            check_body(source, body, span);
        }
        ExpressionKind::Assignment(assignment) => {
            check_inside(source, assignment.variable.span, span);
            check_expression(source, &assignment.value, span);
        }
        ExpressionKind::Send(send) => {
            check_expression(source, &send.receiver, span);
            check_message(source, &send.message, span);
        }
        ExpressionKind::Cascade(cascade) => {
            check_expression(source, &cascade.receiver, span);
            cascade.messages.iter().for_each(|message| check_message(source, message, span));
        }
    }
}

fn check_message(source: &str, message: &Message<'_>, outer: Span) {
    check_inside(source, message.span, outer);
    check_inside(source, message.selector.span, message.span);
    message.arguments.iter().for_each(|argument| check_expression(source, argument, message.span));
}

/// The text with one piece cut out, and another put in somewhere.
fn mutated(
    source: &str,
    cut: (prop::sample::Index, prop::sample::Index),
    put: &str,
    at: prop::sample::Index,
) -> String {
    let mut letters: Vec<char> = source.chars().collect();
    let from = cut.0.index(letters.len() + 1);
    let to = (from + cut.1.index(8)).min(letters.len());
    letters.drain(from..to);
    let at = at.index(letters.len() + 1);
    letters.splice(at..at, put.chars());
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn a_tree_that_is_written_down_is_read_back((text, tree) in expression()) {
        prop_assert_eq!(doit(&text), tree);
        check_any(&text);
    }

    #[test]
    fn any_text_is_parsed_or_rejected(text in any::<String>()) {
        check_any(&text);
    }

    #[test]
    fn any_bytes_are_parsed_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_any(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_tokens_are_parsed_or_rejected(text in soup()) {
        check_any(&text);
    }

    #[test]
    fn damaged_sources_are_parsed_or_rejected(
        (text, _) in expression(), cut: (prop::sample::Index, prop::sample::Index), put in soup(), at: prop::sample::Index,
    ) {
        check_any(&mutated(&text, cut, &put, at));
    }

    #[test]
    fn any_parts_are_parsed_or_rejected(text in soup(), a: prop::sample::Index, b: prop::sample::Index) {
        let (a, b) = (a.index(text.len() + 1) as u32, b.index(text.len() + 1) as u32);
        let end = text.len() as u32;
        if let Err(errors) = parse_method_parts(&text, Span::new(0, a), Span::new(b, end)) {
            errors.iter().for_each(|error| check_span(&text, error.span));
        }
    }
}
