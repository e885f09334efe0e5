//! Text → expression, by recursive descent. Every error names the character it is about.

use super::{ExpressionError, Field, Node, Operand, Operator, Test};
use crate::{
    filter::window::read_date,
    instant::{DAY, parse_instant, utc_midnight},
    words::{Platform, Status},
};

/// Nesting and length are bounded: an expression is typed by people.
const DEEPEST: usize = 50;
const LONGEST: usize = 2_000;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
    End,
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

type Parsed<T> = Result<T, ExpressionError>;

pub(super) fn parse(text: &str) -> Parsed<Node> {
    if text.chars().count() > LONGEST {
        return Err(wrong(LONGEST + 1, format!("an expression holds at most {LONGEST} characters")));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let node = parser.any()?;
    match parser.peek() {
        Token::End => Ok(node),
        other => Err(wrong(parser.at(), format!("expected `and`, `or` or the end, found {}", name(other)))),
    }
}

fn wrong(at: usize, reason: impl Into<String>) -> ExpressionError {
    ExpressionError { at, reason: reason.into() }
}

fn name(token: &Token) -> String {
    match token {
        Token::Word(text) => format!("`{text}`"),
        Token::Quoted(text) => format!("\"{text}\""),
        Token::Symbol(text) => format!("`{text}`"),
        Token::End => "the end".to_owned(),
    }
}

fn tokens(text: &str) -> Parsed<Vec<(usize, Token)>> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let at = i + 1;
        let c = chars[i];
        if c.is_whitespace() {
            i += 1;
        } else if c == '"' || c == '\'' {
            let mut value = String::new();
            i += 1;
            loop {
                match chars.get(i) {
                    None => return Err(wrong(at, "the quoted text does not end")),
                    Some(end) if *end == c => break,
                    Some('\\') if chars.get(i + 1).is_some() => {
                        value.push(chars[i + 1]);
                        i += 2;
                    }
                    Some(other) => {
                        value.push(*other);
                        i += 1;
                    }
                }
            }
            i += 1;
            found.push((at, Token::Quoted(value)));
        } else if let Some(symbol) = ["!=", "<=", ">=", "=", "<", ">", "~", "(", ")", ","]
            .into_iter()
            .find(|symbol| chars[i..].iter().take(symbol.len()).collect::<String>() == *symbol)
        {
            i += symbol.len();
            found.push((at, Token::Symbol(symbol)));
        } else if is_word(c) {
            let start = i;
            while chars.get(i).copied().is_some_and(is_word) {
                i += 1;
            }
            found.push((at, Token::Word(chars[start..i].iter().collect())));
        } else {
            return Err(wrong(at, format!("`{c}` means nothing here; put texts in quotes")));
        }
    }
    found.push((chars.len() + 1, Token::End));
    Ok(found)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '@' | '+' | '/' | '#')
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].1
    }

    fn at(&self) -> usize {
        self.tokens[self.next].0
    }

    fn take(&mut self) -> (usize, Token) {
        let token = self.tokens[self.next].clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        token
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        if found {
            self.next += 1;
        }
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(known) if *known == symbol);
        if found {
            self.next += 1;
        }
        found
    }

    fn any(&mut self) -> Parsed<Node> {
        let mut nodes = vec![self.all()?];
        while self.take_keyword("or") {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self) -> Parsed<Node> {
        let mut nodes = vec![self.one()?];
        while self.take_keyword("and") {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn one(&mut self) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(self.at(), format!("nested deeper than {DEEPEST}")));
        }
        let node = if self.take_keyword("not") {
            Node::Not(Box::new(self.one()?))
        } else if self.take_symbol("(") {
            let node = self.any()?;
            if !self.take_symbol(")") {
                return Err(wrong(self.at(), format!("expected `)`, found {}", name(self.peek()))));
            }
            node
        } else {
            Node::Test(self.test()?)
        };
        self.depth -= 1;
        Ok(node)
    }

    fn test(&mut self) -> Parsed<Test> {
        let (at, token) = self.take();
        let field = match &token {
            Token::Word(word) => {
                let word = word.to_lowercase();
                Field::ALL.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
            }
            _ => None,
        };
        let Some(field) = field else {
            let known: Vec<&str> = Field::ALL.iter().map(|(known, _)| *known).collect();
            return Err(wrong(at, format!("{} is not a field: use {}", name(&token), known.join(", "))));
        };
        let operator_at = self.at();
        let negated = self.is_keyword("not");
        if negated {
            self.next += 1;
            if !self.is_keyword("in") {
                return Err(wrong(self.at(), format!("expected `in` after `not`, found {}", name(self.peek()))));
            }
        }
        if self.take_keyword("in") {
            if !takes(field, Operator::Equal) {
                return Err(wrong(operator_at, format!("`{}` cannot be tested with `in`", field.as_str())));
            }
            let values = self.list(field)?;
            let test = Test { field, operator: Operator::In, values };
            return if negated { self.negate(test) } else { Ok(test) };
        }
        let operator = match self.peek() {
            Token::Symbol("=") => Operator::Equal,
            Token::Symbol("!=") => Operator::NotEqual,
            Token::Symbol("<") => Operator::Less,
            Token::Symbol("<=") => Operator::LessOrEqual,
            Token::Symbol(">") => Operator::More,
            Token::Symbol(">=") => Operator::MoreOrEqual,
            Token::Symbol("~") => Operator::Contains,
            // `completed` alone says it is.
            _ if field == Field::Completed => {
                let values = vec![(at, Operand::Truth(true))];
                return Ok(Test { field, operator: Operator::Equal, values });
            }
            other => {
                return Err(wrong(
                    operator_at,
                    format!("expected =, !=, <, <=, >, >=, ~ or in, found {}", name(other)),
                ));
            }
        };
        self.next += 1;
        if !takes(field, operator) {
            let reason = format!("`{}` cannot be compared with `{}`", field.as_str(), operator.as_str());
            return Err(wrong(operator_at, reason));
        }
        let values = vec![self.value(field)?];
        Ok(Test { field, operator, values })
    }

    /// `field not in (a, b)` is kept as a list of `!=`; one test can hold it because every value must differ.
    fn negate(&self, test: Test) -> Parsed<Test> {
        Ok(Test { operator: Operator::NotEqual, ..test })
    }

    fn list(&mut self, field: Field) -> Parsed<Vec<(usize, Operand)>> {
        if !self.take_symbol("(") {
            return Err(wrong(self.at(), format!("expected `(` after `in`, found {}", name(self.peek()))));
        }
        let mut values = vec![self.value(field)?];
        while self.take_symbol(",") {
            values.push(self.value(field)?);
        }
        if !self.take_symbol(")") {
            return Err(wrong(self.at(), format!("expected `,` or `)`, found {}", name(self.peek()))));
        }
        Ok(values)
    }

    fn value(&mut self, field: Field) -> Parsed<(usize, Operand)> {
        let (at, token) = self.take();
        let text = match token {
            Token::Word(text) | Token::Quoted(text) => text,
            other => {
                return Err(wrong(at, format!("expected a value for `{}`, found {}", field.as_str(), name(&other))));
            }
        };
        let operand = match field {
            Field::Bot | Field::Participant | Field::Tag => Operand::Text(text),
            Field::Platform => {
                let platform: Platform = text.parse().map_err(|error| wrong(at, format!("{error}")))?;
                Operand::Text(platform.to_string())
            }
            Field::Status => {
                let status: Status = text.parse().map_err(|error| wrong(at, format!("{error}")))?;
                Operand::Text(status.to_string())
            }
            Field::Duration => Operand::Number(
                minutes(&text)
                    .ok_or_else(|| wrong(at, format!("`{text}` is not a length of time such as 30m, 2h or 45s")))?,
            ),
            Field::Messages | Field::HumanMessages | Field::AiMessages => Operand::Number(
                text.parse::<u32>().map_err(|_| wrong(at, format!("`{text}` is not a whole number")))?.into(),
            ),
            Field::Created | Field::Ended => time(&text).ok_or_else(|| {
                wrong(
                    at,
                    format!("`{text}` is neither a day such as 2026-06-01 nor an instant such as 2026-06-01T09:00Z"),
                )
            })?,
            Field::Completed => match text.to_lowercase().as_str() {
                "true" | "yes" | "1" => Operand::Truth(true),
                "false" | "no" | "0" => Operand::Truth(false),
                _ => return Err(wrong(at, format!("`{text}` is neither true nor false"))),
            },
        };
        Ok((at, operand))
    }
}

/// Which comparisons make sense for a field.
fn takes(field: Field, operator: Operator) -> bool {
    let ordered = matches!(operator, Operator::Less | Operator::LessOrEqual | Operator::More | Operator::MoreOrEqual);
    match field {
        Field::Bot | Field::Participant | Field::Tag => !ordered,
        Field::Platform | Field::Status | Field::Completed => !ordered && operator != Operator::Contains,
        Field::Duration
        | Field::Messages
        | Field::HumanMessages
        | Field::AiMessages
        | Field::Created
        | Field::Ended => operator != Operator::Contains,
    }
}

/// `90`, `90m`, `1.5h`, `45s`, `2d`, in minutes.
fn minutes(text: &str) -> Option<f64> {
    let (number, factor) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0 / 60.0),
        (at, 'm') => (&text[..at], 1.0),
        (at, 'h') => (&text[..at], 60.0),
        (at, 'd') => (&text[..at], 1440.0),
        _ => (text, 1.0),
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let value: f64 = plain.then(|| number.parse().ok()).flatten()?;
    Some(value * factor)
}

fn time(text: &str) -> Option<Operand> {
    if let Some(day) = read_date(text) {
        let start = utc_midnight(day);
        return Some(Operand::Time(start, start + DAY));
    }
    parse_instant(text).map(|at| Operand::Time(at, at))
}
