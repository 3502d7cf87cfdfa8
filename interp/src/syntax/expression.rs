//! Expressions: primaries, messages, cascades, assignments, blocks.

use super::ast::{
    Assignment, Block, Cascade, Expression, ExpressionKind, Literal, Message, Name, Pseudo, Selector,
    SelectorKind, Send,
};
use super::error::SyntaxError;
use super::parser::{Parser, is_reserved};
use super::token::TokenKind;
use super::{MAX_HEIGHT, Span};

impl<'s> Parser<'s> {
    /// `name := expression`, or a cascade.
    pub(super) fn expression(&mut self) -> Option<Expression<'s>> {
        if self.token.kind != TokenKind::Identifier {
            return self.cascade(None);
        }
        let name = self.take_name();
        if self.token.kind == TokenKind::Assign {
            return self.assignment(name);
        }
        let variable = self.variable(name);
        self.cascade(Some(variable))
    }

    fn assignment(&mut self, variable: Name<'s>) -> Option<Expression<'s>> {
        if is_reserved(variable.text) {
            let message = format!("{} cannot be assigned to", variable.text);
            self.report(SyntaxError::new(variable.span, message));
        }
        self.step();
        self.deepen()?;
        let value = self.expression();
        self.nesting -= 1;
        let value = value?;
        self.taller(self.height)?;
        let span = self.since(variable.span.start);
        Some(Expression { kind: ExpressionKind::Assignment(Box::new(Assignment { variable, value })), span })
    }

    /// The expression that is being made is one higher than what it is made of, `height`. Keeps [bounded-height].
    #[inline]
    fn taller(&mut self, height: u32) -> Option<()> {
        self.height = height + 1;
        if self.height > MAX_HEIGHT {
            self.too_tall();
            return None;
        }
        Some(())
    }

    #[cold]
    fn too_tall(&mut self) {
        let message = format!("this expression is built of more than {MAX_HEIGHT} levels");
        self.give_up(
            SyntaxError::new(self.token.span, message).with_help("split it into several statements"),
        );
    }

    /// `receiver message; message`. The receiver's first word may have been taken.
    fn cascade(&mut self, taken: Option<Expression<'s>>) -> Option<Expression<'s>> {
        let start = self.start(&taken);
        let mut expression = self.keyword_send(taken)?;
        if self.token.kind != TokenKind::Semicolon {
            return Some(expression);
        }
        let ExpressionKind::Send(send) = expression.kind else {
            let error = SyntaxError::new(self.token.span, "a cascade follows a message")
                .with_related(expression.span, "this is no message");
            self.report(error);
            return None;
        };
        let Send { receiver, message } = *send;
        let mut messages = vec![message];
        let mut height = self.height;
        while self.token.kind == TokenKind::Semicolon {
            self.step();
            messages.push(self.cascaded_message()?);
            height = height.max(self.height);
        }
        self.taller(height)?;
        expression.kind = ExpressionKind::Cascade(Box::new(Cascade { receiver, messages }));
        expression.span = self.since(start);
        Some(expression)
    }

    fn cascaded_message(&mut self) -> Option<Message<'s>> {
        self.height = 0;
        match self.token.kind {
            TokenKind::Identifier => Some(self.unary_message()),
            TokenKind::Binary => self.binary_message(),
            TokenKind::Keyword => self.keyword_message(),
            _ => {
                self.unexpected("a message after the semicolon");
                None
            }
        }
    }

    fn keyword_send(&mut self, taken: Option<Expression<'s>>) -> Option<Expression<'s>> {
        let start = self.start(&taken);
        let receiver = self.binary_send(taken)?;
        if self.token.kind != TokenKind::Keyword {
            return Some(receiver);
        }
        let height = self.height;
        let message = self.keyword_message()?;
        self.taller(height.max(self.height))?;
        Some(self.send(start, receiver, message))
    }

    fn keyword_message(&mut self) -> Option<Message<'s>> {
        let start = self.token.span.start;
        let first = self.step().span;
        let mut arguments = vec![self.keyword_argument(first)?];
        let mut height = self.height;
        if self.token.kind != TokenKind::Keyword {
            let selector =
                Selector { text: self.text(first).into(), kind: SelectorKind::Keyword, span: first };
            return Some(Message { selector, arguments, span: self.since(start) });
        }
        let mut parts = vec![first];
        while self.token.kind == TokenKind::Keyword {
            let part = self.step().span;
            parts.push(part);
            arguments.push(self.keyword_argument(part)?);
            height = height.max(self.height);
        }
        self.height = height;
        let selector = self.keyword_selector(&parts)?;
        Some(Message { selector, arguments, span: self.since(start) })
    }

    fn keyword_argument(&mut self, keyword: Span) -> Option<Expression<'s>> {
        if !self.begins_primary() {
            let expected = format!("an argument for {}", self.text(keyword));
            self.unexpected(&expected);
            return None;
        }
        self.binary_send(None)
    }

    /// The selector that these parts make.
    pub(super) fn keyword_selector(&mut self, parts: &[Span]) -> Option<Selector<'s>> {
        let span = parts.first()?.to(*parts.last()?);
        if parts.len() > super::MAX_ARGUMENTS {
            let message = format!("a message has at most {} arguments", super::MAX_ARGUMENTS);
            self.report(SyntaxError::new(span, message));
            return None;
        }
        let text = match parts {
            [part] => self.text(*part).into(),
            _ => {
                let mut text = String::with_capacity(parts.iter().map(|part| part.range().len()).sum());
                parts.iter().for_each(|part| text.push_str(self.text(*part)));
                text.into()
            }
        };
        Some(Selector { text, kind: SelectorKind::Keyword, span })
    }

    fn binary_send(&mut self, taken: Option<Expression<'s>>) -> Option<Expression<'s>> {
        let start = self.start(&taken);
        let mut receiver = self.unary_send(taken)?;
        while self.token.kind == TokenKind::Binary {
            let height = self.height;
            let message = self.binary_message()?;
            self.taller(height.max(self.height))?;
            receiver = self.send(start, receiver, message);
        }
        Some(receiver)
    }

    fn binary_message(&mut self) -> Option<Message<'s>> {
        let Name { text, span } = self.take_name();
        if !self.begins_primary() {
            self.unexpected(&format!("an argument for {text}"));
            return None;
        }
        let argument = self.unary_send(None)?;
        let selector = Selector { text: text.into(), kind: SelectorKind::Binary, span };
        Some(Message { selector, arguments: vec![argument], span: self.since(span.start) })
    }

    fn unary_send(&mut self, taken: Option<Expression<'s>>) -> Option<Expression<'s>> {
        let start = self.start(&taken);
        let mut receiver = match taken {
            Some(taken) => taken,
            None => self.primary()?,
        };
        while self.token.kind == TokenKind::Identifier {
            let message = self.unary_message();
            self.taller(self.height)?;
            receiver = self.send(start, receiver, message);
        }
        if self.token.kind == TokenKind::Assign {
            self.misplaced_assignment(&receiver);
            return None;
        }
        Some(receiver)
    }

    #[cold]
    fn misplaced_assignment(&mut self, target: &Expression<'s>) {
        let error = match target.kind {
            ExpressionKind::Variable(_) => {
                SyntaxError::new(self.token.span, "an assignment stands before a message")
                    .with_help("put the assignment into parentheses")
            }
            _ => SyntaxError::new(self.token.span, "only a variable can be assigned to")
                .with_related(target.span, "this is no variable")
                .with_help("a period may be missing before the variable"),
        };
        self.report(error);
    }

    fn unary_message(&mut self) -> Message<'s> {
        let Name { text, span } = self.take_name();
        let selector = Selector { text: text.into(), kind: SelectorKind::Unary, span };
        Message { selector, arguments: Vec::new(), span }
    }

    /// A send that begins at `start`: a parenthesis around its receiver belongs to it.
    #[inline]
    fn send(&self, start: u32, receiver: Expression<'s>, message: Message<'s>) -> Expression<'s> {
        let span = Span::new(start, message.span.end);
        Expression { kind: ExpressionKind::Send(Box::new(Send { receiver, message })), span }
    }

    /// Where an expression begins whose first word may have been taken.
    #[inline]
    fn start(&self, taken: &Option<Expression<'s>>) -> u32 {
        taken.as_ref().map_or(self.token.span.start, |taken| taken.span.start)
    }

    /// A name that is used: a variable, pseudo variable or constant.
    fn variable(&mut self, name: Name<'s>) -> Expression<'s> {
        let kind = match name.text {
            "self" => ExpressionKind::Pseudo(Pseudo::SelfVariable),
            "super" => ExpressionKind::Pseudo(Pseudo::Super),
            "thisContext" => ExpressionKind::Pseudo(Pseudo::ThisContext),
            "nil" => ExpressionKind::Literal(Literal::Nil),
            "true" => ExpressionKind::Literal(Literal::True),
            "false" => ExpressionKind::Literal(Literal::False),
            text => ExpressionKind::Variable(text),
        };
        self.height = 1;
        Expression { kind, span: name.span }
    }

    /// Can an expression begin here?
    fn begins_primary(&self) -> bool {
        use TokenKind::{
            Character, Identifier, Number, OpenBrace, OpenBracket, OpenByteArray, OpenLiteralArray,
            OpenParenthesis, QuotedSymbol, String, Symbol, Wrong,
        };
        let kind = self.token.kind;
        matches!(
            kind,
            Identifier | Number | Character | String | Symbol | QuotedSymbol | OpenParenthesis | OpenBracket
        ) || matches!(kind, OpenBrace | OpenLiteralArray | OpenByteArray | Wrong)
            || self.is_negative_number()
    }

    fn primary(&mut self) -> Option<Expression<'s>> {
        self.height = 1;
        match self.token.kind {
            TokenKind::Identifier => {
                let name = self.take_name();
                Some(self.variable(name))
            }
            TokenKind::OpenParenthesis => self.parenthesis(),
            TokenKind::OpenBracket => self.block(),
            TokenKind::OpenBrace => self.brace(),
            _ if self.begins_literal() => {
                let start = self.token.span.start;
                let literal = self.literal()?;
                Some(Expression { kind: ExpressionKind::Literal(literal), span: self.since(start) })
            }
            _ => {
                self.unexpected("an expression");
                None
            }
        }
    }

    fn parenthesis(&mut self) -> Option<Expression<'s>> {
        let open = self.open("parenthesis")?;
        match self.expression() {
            Some(expression) => {
                self.close(open)?;
                Some(expression)
            }
            None => {
                self.abandon(open);
                None
            }
        }
    }

    fn brace(&mut self) -> Option<Expression<'s>> {
        let open = self.open("brace array")?;
        let mut elements = Vec::new();
        let mut height = 0;
        loop {
            match self.token.kind {
                TokenKind::Period => {
                    self.step();
                }
                TokenKind::CloseBrace | TokenKind::End => break,
                _ => {
                    let Some(element) = self.expression() else {
                        self.abandon_whole(open);
                        return None;
                    };
                    height = height.max(self.height);
                    elements.push(element);
                    if self.token.kind != TokenKind::Period {
                        break;
                    }
                }
            }
        }
        self.close(open)?;
        self.taller(height)?;
        Some(Expression { kind: ExpressionKind::Brace(elements), span: self.since(open.span.start) })
    }

    fn block(&mut self) -> Option<Expression<'s>> {
        let open = self.open("block")?;
        let parameters = self.parameters();
        let body = self.body(TokenKind::CloseBracket, None);
        let height = self.height;
        self.close(open)?;
        self.taller(height)?;
        let block = Block { parameters, body };
        Some(Expression { kind: ExpressionKind::Block(Box::new(block)), span: self.since(open.span.start) })
    }

    /// `:x :y |`; the bar may be left out where the block ends.
    fn parameters(&mut self) -> Vec<Name<'s>> {
        let mut parameters = Vec::new();
        while self.token.kind == TokenKind::Colon {
            self.step();
            if self.token.kind == TokenKind::Keyword {
                // `[:x:y | … ]`: the colon belongs to the next one.
                let Span { start, end } = self.token.span;
                self.lexer.seek(end - 1);
                self.token.kind = TokenKind::Identifier;
                self.token.span = Span::new(start, end - 1);
            }
            match self.declared_name("the name of the block's argument") {
                Some(name) => parameters.push(name),
                None => return parameters,
            }
        }
        if parameters.is_empty() || self.token.kind == TokenKind::CloseBracket {
            return parameters;
        }
        if self.is_binary(b'|') {
            self.split();
        } else {
            self.unexpected("| after the block's arguments");
        }
        parameters
    }
}
