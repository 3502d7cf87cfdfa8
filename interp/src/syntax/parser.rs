//! Recursive descent over the tokens: methods, bodies, statements. Expressions, literals and pragmas are in the modules
//! beside this one.
//!
//! A function that answers `Option` has reported an error where it answers `None`; the parser then stands anywhere
//! inside of the faulty statement. Statements are where parsing goes on: [`Parser::recover`] skips to a period or to a
//! bracket that closes what is open.
//!
//! [bounded-nesting] At most [`MAX_NESTING`] brackets and assignments are open at once, so that no source overflows the
//! stack. Together with the height that each expression is checked for this keeps [bounded-height].

use super::ast::{Body, Method, Name, Pragma, Selector, SelectorKind, Statement};
use super::error::SyntaxError;
use super::lexer::Lexer;
use super::token::{Token, TokenKind};
use super::{MAX_NESTING, Span};

/// An open bracket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) what: &'static str,
    pub(super) closer: TokenKind,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Parser<'s> {
    pub(super) lexer: Lexer<'s>,
    /// The one that is looked at.
    pub(super) token: Token,
    /// Where the last token that was taken ends.
    pub(super) behind: u32,
    /// Brackets and assignments that are open.
    pub(super) nesting: u32,
    /// Of the expression that was parsed last.
    pub(super) height: u32,
    /// What the literals so far take, in bytes.
    pub(super) literal_bytes: usize,
    open: Vec<Open>,
    /// Parentheses that were taken as closed at a period, whose real ends are yet to come.
    forgiven: u32,
}

impl<'s> Parser<'s> {
    pub(super) fn new(source: &'s str, span: Span) -> Parser<'s> {
        let mut lexer = Lexer::new(source, span);
        let token = lexer.next();
        let behind = span.start;
        Parser {
            lexer,
            token,
            behind,
            nesting: 0,
            height: 0,
            literal_bytes: 0,
            open: Vec::new(),
            forgiven: 0,
        }
    }

    /// Goes on with another part of the source.
    pub(super) fn restrict(&mut self, span: Span) {
        self.lexer.restrict(span);
        self.behind = span.start;
        self.token = self.lexer.next();
    }

    #[inline]
    pub(super) fn text(&self, span: Span) -> &'s str {
        self.lexer.text(span)
    }

    /// Takes the token.
    #[inline]
    pub(super) fn step(&mut self) -> Token {
        let taken = self.token;
        self.behind = taken.span.end;
        self.token = self.lexer.next();
        taken
    }

    /// Takes the first character of an operator, and leaves the rest of it.
    pub(super) fn split(&mut self) -> Span {
        let start = self.token.span.start;
        self.lexer.seek(start + 1);
        self.behind = start + 1;
        self.token = self.lexer.next();
        Span::new(start, start + 1)
    }

    #[inline]
    pub(super) fn is_binary(&self, first: u8) -> bool {
        self.token.kind == TokenKind::Binary
            && self.lexer.source().as_bytes()[self.token.span.start as usize] == first
    }

    /// From here to the end of the last token that was taken.
    #[inline]
    pub(super) fn since(&self, start: u32) -> Span {
        Span::new(start, self.behind.max(start))
    }

    #[inline]
    pub(super) fn take_name(&mut self) -> Name<'s> {
        let span = self.step().span;
        Name { text: self.text(span), span }
    }

    // Errors

    /// The token is not what was expected.
    #[cold]
    pub(super) fn unexpected(&mut self, expected: &str) {
        let mut error =
            SyntaxError::new(self.token.span, format!("expected {expected}, found {}", self.found()));
        error.is_at_end = self.token.kind == TokenKind::End;
        self.report(error);
    }

    #[cold]
    pub(super) fn report(&mut self, error: SyntaxError) {
        // The lexer has said what is wrong with a wrong token; and it read to the end for one that is not closed.
        let is_told = self.token.kind == TokenKind::Wrong && error.span == self.token.span
            || error.is_at_end && self.lexer.errors.is_about_end();
        if !is_told {
            self.lexer.errors.report(error);
        }
        if self.lexer.errors.is_closed() {
            self.finish();
        }
    }

    /// Nothing more is looked at.
    pub(super) fn finish(&mut self) {
        self.lexer.errors.close();
        self.lexer.finish();
        self.token = self.lexer.next();
    }

    /// The last error, about a bound that is exceeded; more of them would follow.
    #[cold]
    pub(super) fn give_up(&mut self, error: SyntaxError) {
        self.lexer.errors.report(error);
        self.finish();
    }

    fn found(&self) -> String {
        const LONGEST: usize = 40;
        if self.token.kind == TokenKind::End {
            return "the end".to_owned();
        }
        let text = self.text(self.token.span);
        let mut letters = text.chars();
        let shown: String = letters.by_ref().take_while(|letter| *letter != '\n').take(LONGEST).collect();
        if shown.len() == text.len() { shown } else { format!("{shown}…") }
    }

    /// Skips to what statements end with: a period, a closing bracket, the end.
    pub(super) fn recover(&mut self) {
        let mut depth = 0_u32;
        loop {
            let kind = self.token.kind;
            match kind {
                TokenKind::End => return,
                TokenKind::Period if depth == 0 => return,
                _ if kind.is_closer() && depth == 0 => return,
                _ if kind.is_closer() => depth -= 1,
                _ if kind.closer().is_some() => depth += 1,
                _ => {}
            }
            self.step();
        }
    }

    // Brackets

    /// Takes an opening bracket. Where `None` is answered nothing is open.
    pub(super) fn open(&mut self, what: &'static str) -> Option<Open> {
        self.deepen()?;
        let token = self.step();
        let open = Open { what, closer: token.kind.closer()?, span: token.span };
        self.open.push(open);
        Some(open)
    }

    /// One level deeper, to be left by `self.nesting -= 1`.
    pub(super) fn deepen(&mut self) -> Option<()> {
        if self.nesting == MAX_NESTING {
            let message = format!("this is nested deeper than {MAX_NESTING} levels");
            self.give_up(
                SyntaxError::new(self.token.span, message).with_help("split it into several methods"),
            );
            return None;
        }
        self.nesting += 1;
        Some(())
    }

    /// Takes the bracket that closes what is open, or reports that it is missing.
    pub(super) fn close(&mut self, open: Open) -> Option<()> {
        self.nesting -= 1;
        self.open.pop();
        if self.token.kind == open.closer {
            self.step();
            return Some(());
        }
        let (line, _) = super::span::line_and_column(self.lexer.source(), open.span.start);
        let closer = closing_text(open.closer);
        let message = format!("expected {closer} to close the {} opened at line {line}", open.what);
        let mut error = SyntaxError::new(self.token.span, message).with_related(open.span, "opened here");
        error.is_at_end = self.token.kind == TokenKind::End;
        self.report(error);
        if self.token.kind == TokenKind::End {
            // All that is open is missing its end: said once.
            self.finish();
        } else if self.token.kind == TokenKind::Period {
            self.forgiven += 1;
        }
        None
    }

    /// Skips what is left of something that is wrong inside of brackets, and its closing bracket.
    pub(super) fn abandon(&mut self, open: Open) {
        self.recover();
        self.nesting -= 1;
        self.open.pop();
        if self.token.kind == open.closer {
            self.step();
        } else if self.token.kind == TokenKind::Period {
            self.forgiven += 1;
        }
    }

    /// A closing bracket that closes nothing is reported and skipped.
    fn skip_stray_closer(&mut self) {
        if self.forgiven > 0 {
            self.forgiven -= 1;
        } else {
            let closer = closing_text(self.token.kind);
            let message = format!("this {closer} closes nothing");
            self.report(
                SyntaxError::new(self.token.span, message).with_help("remove it, or open what it closes"),
            );
        }
        self.step();
    }

    // Methods and bodies

    /// `pattern body`
    pub(super) fn method(&mut self) -> Option<Method<'s>> {
        let start = self.token.span.start;
        let (selector, arguments) = self.pattern()?;
        Some(self.method_with(selector, arguments, start))
    }

    /// A method whose pattern and body stand apart.
    pub(super) fn method_in_parts(&mut self, body: Span) -> Option<Method<'s>> {
        let start = self.token.span.start;
        let pattern = self.pattern();
        if pattern.is_some() && self.token.kind != TokenKind::End {
            self.unexpected("the end of the method's pattern");
        }
        self.restrict(body);
        // Without a pattern the body is still looked at.
        let (selector, arguments) = pattern.unwrap_or_else(|| {
            (Selector { text: "".into(), kind: SelectorKind::Unary, span: Span::default() }, Vec::new())
        });
        Some(self.method_with(selector, arguments, start))
    }

    fn method_with(&mut self, selector: Selector<'s>, arguments: Vec<Name<'s>>, start: u32) -> Method<'s> {
        let mut pragmas = Vec::new();
        let body = self.body(TokenKind::End, Some(&mut pragmas));
        let span = self.since(start);
        Method { selector, arguments, pragmas, body, span }
    }

    /// `size`, `+ other`, `at: key put: value`
    pub(super) fn pattern(&mut self) -> Option<(Selector<'s>, Vec<Name<'s>>)> {
        let start = self.token.span.start;
        match self.token.kind {
            TokenKind::Identifier => {
                let Name { text, span } = self.take_name();
                Some((Selector { text: text.into(), kind: SelectorKind::Unary, span }, Vec::new()))
            }
            TokenKind::Binary => {
                let Name { text, .. } = self.take_name();
                let argument = self.declared_name("the name of the argument")?;
                let span = self.since(start);
                Some((Selector { text: text.into(), kind: SelectorKind::Binary, span }, vec![argument]))
            }
            TokenKind::Keyword => {
                let mut parts = Vec::new();
                let mut arguments = Vec::new();
                while self.token.kind == TokenKind::Keyword {
                    parts.push(self.step().span);
                    arguments.push(self.declared_name("the name of the argument")?);
                }
                let mut selector = self.keyword_selector(&parts)?;
                selector.span = self.since(start);
                Some((selector, arguments))
            }
            _ => {
                self.unexpected("the method's name");
                None
            }
        }
    }

    /// The name of an argument or temporary.
    pub(super) fn declared_name(&mut self, expected: &str) -> Option<Name<'s>> {
        if self.token.kind != TokenKind::Identifier {
            self.unexpected(expected);
            return None;
        }
        let name = self.take_name();
        if is_reserved(name.text) {
            let message = format!("{} is reserved and cannot name a variable", name.text);
            self.report(SyntaxError::new(name.span, message));
        }
        Some(name)
    }

    /// Declarations and statements up to what closes the body; that is left. Pragmas are taken where the caller wants
    /// them.
    pub(super) fn body(&mut self, closer: TokenKind, mut pragmas: Option<&mut Vec<Pragma<'s>>>) -> Body<'s> {
        let mut body = Body::default();
        let mut height = 0;
        loop {
            height = height.max(std::mem::take(&mut self.height));
            match self.token.kind {
                TokenKind::Period => {
                    self.step();
                }
                TokenKind::End => break,
                kind if kind == closer => break,
                kind if kind.is_closer() => {
                    if self.open.iter().any(|open| open.closer == kind) {
                        break;
                    }
                    self.skip_stray_closer();
                }
                TokenKind::Binary if self.is_binary(b'|') => self.temporaries(&mut body.temporaries),
                TokenKind::Binary if self.is_binary(b'<') && pragmas.is_some() => match self.pragma() {
                    Some(pragma) if body.statements.is_empty() => {
                        if let Some(pragmas) = pragmas.as_deref_mut() {
                            pragmas.push(pragma);
                        }
                    }
                    Some(pragma) => {
                        self.report(SyntaxError::new(
                            pragma.span,
                            "a pragma stands before the first statement",
                        ));
                    }
                    None => {}
                },
                _ => self.statement_into(&mut body.statements),
            }
        }
        self.height = height;
        body
    }

    fn statement_into(&mut self, statements: &mut Vec<Statement<'s>>) {
        let Some(statement) = self.statement() else { return self.recover() };
        statements.push(statement);
        let kind = self.token.kind;
        if kind == TokenKind::Period || kind == TokenKind::End || kind.is_closer() {
            return;
        }
        self.expected_period();
        self.recover();
    }

    #[cold]
    fn expected_period(&mut self) {
        if kind_is_literal(self.token.kind) || kind_opens(self.token.kind) {
            let message = format!("expected a period or a message, found {}", self.found());
            let help = "statements are separated by periods; an argument follows a keyword or an operator";
            self.report(SyntaxError::new(self.token.span, message).with_help(help));
        } else {
            self.unexpected("a period");
        }
    }

    fn statement(&mut self) -> Option<Statement<'s>> {
        let start = self.token.span.start;
        if self.token.kind != TokenKind::Caret {
            return self.expression().map(Statement::Expression);
        }
        self.step();
        let value = self.expression()?;
        let span = self.since(start);
        Some(Statement::Return { value, span })
    }

    /// `| a b |`, or `||` for none. Errors are reported and passed over.
    fn temporaries(&mut self, temporaries: &mut Vec<Name<'s>>) {
        let open = self.split();
        while self.token.kind == TokenKind::Identifier {
            if let Some(name) = self.declared_name("") {
                temporaries.push(name);
            }
        }
        if self.is_binary(b'|') {
            self.split();
            return;
        }
        let message = format!("expected | to end the declaration of temporaries, found {}", self.found());
        let mut error = SyntaxError::new(self.token.span, message).with_related(open, "begun here");
        error.is_at_end = self.token.kind == TokenKind::End;
        self.report(error);
        self.recover();
    }
}

/// Names that no variable can have.
pub(super) fn is_reserved(name: &str) -> bool {
    matches!(name, "self" | "super" | "thisContext" | "nil" | "true" | "false")
}

fn kind_is_literal(kind: TokenKind) -> bool {
    use TokenKind::{Character, Number, QuotedSymbol, String, Symbol};
    matches!(kind, Number | Character | String | Symbol | QuotedSymbol)
}

fn kind_opens(kind: TokenKind) -> bool {
    kind.closer().is_some()
}

fn closing_text(closer: TokenKind) -> &'static str {
    match closer {
        TokenKind::CloseParenthesis => ")",
        TokenKind::CloseBracket => "]",
        _ => "}",
    }
}
