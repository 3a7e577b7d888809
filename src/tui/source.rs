//! The source pane: the function that a span stands for, found in its file and coloured.
//!
//! `tracing` knows the line of the `#[instrument]` attribute or of the span macro. An attribute belongs to the first
//! `fn` below it, a macro to the `fn` around it. Ends are found by matching braces over the tokens of rustc's own
//! lexer, so braces in strings and comments do not count.

use std::ops::RangeInclusive;

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::width;
use super::theme::{Role, Theme};

/// A function of a source text, to be shown elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The number of its first line, from 1: the comment above the function is in it.
    pub first: usize,
    /// First and last line of the function.
    pub function: RangeInclusive<usize>,
    /// Its lines, in pieces of a colour.
    pub lines: Vec<Vec<(Role, String)>>,
}

/// Lines of a comment above a function that are listed.
const COMMENT: usize = 12;

/// The function that a span whose callsite is in `line` stands for, with the comment above it.
#[must_use]
pub fn listing(text: &str, line: usize) -> Option<Listing> {
    let source = Source::new("", text);
    let function = source.function(line);
    let mut first = line.min(*function.start()).max(1);
    let is_comment = |line: usize| source.first_piece(line).is_some_and(|piece| piece.0 == Role::Comment);
    let least = first.saturating_sub(COMMENT);
    while first > 1 && first > least && is_comment(first - 1) {
        first -= 1;
    }
    let lines = source.lines.get(first - 1..*function.end())?.to_vec();
    Some(Listing { first, function, lines })
}

/// A file, cut into lines of coloured pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// The name that callsites carry.
    pub(super) file: String,
    lines: Vec<Vec<(Role, String)>>,
    tokens: Vec<(usize, Word)>,
    /// First and last line of every function, in the order of the first.
    functions: Vec<RangeInclusive<usize>>,
}

/// What the search for a function's end needs to know of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Fn,
    Open,
    Close,
    Semicolon,
}

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self",
    "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
];

impl Source {
    /// Reads a file's text.
    pub(super) fn new(file: &str, text: &str) -> Self {
        let mut source = Self { file: file.to_owned(), lines: vec![Vec::new()], ..Self::default() };
        let tokens: Vec<_> = tokenize(text, FrontmatterAllowed::No).collect();
        let mut at = 0;
        // In an attribute: its mark was seen, or brackets are open.
        let (mut is_marked, mut brackets) = (false, 0_usize);
        // Parentheses and brackets that are open: the semicolon of `[u8; 4]` ends nothing.
        let mut nested = 0_usize;
        for (index, token) in tokens.iter().enumerate() {
            let piece = &text[at..at + token.len as usize];
            at += token.len as usize;
            let next = tokens.get(index + 1).map(|token| token.kind);
            is_marked |=
                token.kind == TokenKind::Pound && matches!(next, Some(TokenKind::OpenBracket | TokenKind::Bang));
            let is_attribute = is_marked || brackets > 0;
            match token.kind {
                TokenKind::OpenBracket if is_attribute => {
                    (is_marked, brackets) = (false, brackets + 1);
                }
                TokenKind::CloseBracket => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            let line = source.lines.len();
            match (token.kind, piece) {
                // Not the `fn(…)` of a type.
                (TokenKind::Ident, "fn") if next == Some(TokenKind::Whitespace) => source.tokens.push((line, Word::Fn)),
                (TokenKind::OpenParen | TokenKind::OpenBracket, _) => nested += 1,
                (TokenKind::CloseParen | TokenKind::CloseBracket, _) => nested = nested.saturating_sub(1),
                (TokenKind::OpenBrace, _) => source.tokens.push((line, Word::Open)),
                (TokenKind::CloseBrace, _) => source.tokens.push((line, Word::Close)),
                (TokenKind::Semi, _) if nested == 0 => source.tokens.push((line, Word::Semicolon)),
                _ => {}
            }
            let role = if is_attribute && token.kind != TokenKind::Whitespace {
                Role::Macro
            } else {
                role(token.kind, piece, next)
            };
            source.push(role, piece);
        }
        let starts = (0..source.tokens.len()).filter(|at| source.tokens[*at].1 == Word::Fn);
        source.functions = starts.map(|at| source.extent(at)).collect();
        source
    }

    fn push(&mut self, role: Role, piece: &str) {
        for (index, part) in piece.split('\n').enumerate() {
            if index > 0 {
                self.lines.push(Vec::new());
            }
            let part = part.trim_end_matches('\r').replace('\t', "    ");
            if !part.is_empty() {
                self.lines.last_mut().expect("there is a first line").push((role, part));
            }
        }
    }

    /// The lines, from 1, of the function that a span of `line` stands for; that line alone if there is none.
    pub(super) fn function(&self, line: usize) -> RangeInclusive<usize> {
        let around = self.functions.iter().rfind(|function| function.contains(&line));
        let below = self.functions.iter().find(|function| *function.start() >= line);
        let found = if self.is_attribute(line) { below } else { around.or(below) };
        found.cloned().unwrap_or(line..=line)
    }

    fn first_piece(&self, line: usize) -> Option<&(Role, String)> {
        let line = line.checked_sub(1).and_then(|at| self.lines.get(at))?;
        line.iter().find(|piece| !piece.1.trim().is_empty())
    }

    fn is_attribute(&self, line: usize) -> bool {
        self.first_piece(line).is_some_and(|piece| piece.0 == Role::Macro && piece.1 == "#")
    }

    /// The lines of the function that begins with the token `first`.
    fn extent(&self, first: usize) -> RangeInclusive<usize> {
        let mut depth = 0_usize;
        for &(at, word) in &self.tokens[first..] {
            match word {
                Word::Open => depth += 1,
                Word::Close => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return self.tokens[first].0..=at;
                    }
                }
                Word::Semicolon if depth == 0 => return self.tokens[first].0..=at,
                Word::Semicolon | Word::Fn => {}
            }
        }
        self.tokens[first].0..=self.lines.len()
    }

    /// The line the pane begins with, from 1: the doc comment above the attribute, if there is one; for a macro in a
    /// function what fits above it.
    fn first_line(&self, attribute: usize, function: &RangeInclusive<usize>, rows: usize) -> usize {
        if !self.is_attribute(attribute) && function.contains(&attribute) {
            return attribute.saturating_sub(rows / 2).max(*function.start());
        }
        let is_comment = |line: usize| self.first_piece(line).is_some_and(|piece| piece.0 == Role::Comment);
        let mut first = attribute.max(1);
        // As much of the comment as leaves two thirds of the rows to the function.
        while first > 1 && is_comment(first - 1) && (*function.start() + 1).saturating_sub(first) < rows / 3 {
            first -= 1;
        }
        // A long attribute gives way as well.
        first.max((*function.start()).saturating_sub(rows / 3))
    }

    /// Draws the function whose attribute is in `line`, scrolled down by `scroll` rows.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, line: usize, scroll: usize) {
        let function = self.function(line);
        let top = (self.first_line(line, &function, usize::from(area.height)) + scroll).min(self.lines.len());
        let digits = self.lines.len().to_string().len().max(3);
        for (y, number) in (area.y..area.bottom()).zip(top..=self.lines.len()) {
            let is_here = function.contains(&number);
            let mark = match (is_here, number == line) {
                (true, true) => '→',
                (true, false) => '▌',
                (false, _) => ' ',
            };
            let gutter = format!("{mark}{number:>digits$} ");
            let quiet = theme.style(if is_here { Role::Accent } else { Role::Dim });
            let (mut x, _) = buffer.set_stringn(area.x, y, gutter, usize::from(area.width), quiet);
            let mut pieces = self.lines[number - 1].iter().peekable();
            while let Some((role, piece)) = pieces.next() {
                let room = area.right().saturating_sub(x);
                let style = if is_here { theme.style(*role) } else { theme.style(Role::Dim) };
                let is_cut = width(piece) > usize::from(room);
                // What just fits is cut too, if something comes behind it.
                if is_cut || (width(piece) == usize::from(room) && pieces.peek().is_some()) {
                    let piece = super::text::cut(&format!("{piece}…"), usize::from(room));
                    buffer.set_stringn(x, y, piece, usize::from(room), style);
                    break;
                }
                x = buffer.set_stringn(x, y, piece, usize::from(room), style).0;
            }
        }
    }

    /// How far the function can be scrolled.
    pub(super) fn scroll_limit(&self, line: usize) -> usize {
        let function = self.function(line);
        function.end().saturating_sub(line)
    }
}

fn role(kind: TokenKind, text: &str, next: Option<TokenKind>) -> Role {
    match kind {
        TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => Role::Comment,
        TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Float { .. }, .. } => Role::Number,
        TokenKind::Literal { .. } => Role::Text,
        TokenKind::Lifetime { .. } | TokenKind::RawLifetime => Role::Type,
        TokenKind::Ident if KEYWORDS.contains(&text) => Role::Keyword,
        TokenKind::Ident if next == Some(TokenKind::Bang) => Role::Macro,
        TokenKind::Ident if text.starts_with(char::is_uppercase) => Role::Type,
        _ => Role::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"/// Doc.
#[instrument(fields(kind = "}"))]
pub fn spawn(&self) -> Job {
    let brace = "}"; // }
    if true { return 1; }
    done!(r#"}"#)
}

#[instrument]
fn next();
"##;

    #[test]
    fn a_function_ends_at_its_own_brace_whatever_strings_and_comments_say() {
        let source = Source::new("a.rs", TEXT);
        assert_eq!(source.function(2), 3..=7);
        assert_eq!(source.function(9), 10..=10);
        assert_eq!(source.function(11), 11..=11);
    }

    #[test]
    fn a_listing_is_the_function_with_its_attribute_and_comment() {
        let found = listing(TEXT, 2).unwrap();
        assert_eq!((found.first, found.function, found.lines.len()), (1, 3..=7, 7));
        assert_eq!(listing(TEXT, 9).unwrap().first, 9);
        assert_eq!(listing(TEXT, 99), None);
    }

    #[test]
    fn a_span_macro_belongs_to_the_function_around_it() {
        let text = "fn a(n: [u8; 2]) {\n    let s = span!(\"a\");\n    let f: fn(u8) = g;\n}\n\nfn b() {}\n";
        let source = Source::new("a.rs", text);
        assert_eq!(source.function(2), 1..=4);
        assert_eq!(source.function(5), 6..=6);
    }

    #[test]
    fn a_line_that_is_cut_says_so_wherever_a_token_ends() {
        let source = Source::new("a.rs", "fn a() { b::<C<D>>(e) }\n");
        for width in 6..30 {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
            let area = buffer.area;
            source.draw(&mut buffer, area, &Theme::default(), 1, 0);
            let row: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
            assert!(row.contains('…') || row.trim_end().ends_with("(e) }"), "{row}");
        }
    }

    #[test]
    fn tokens_get_the_colour_of_their_kind() {
        let source = Source::new("a.rs", TEXT);
        let role_of =
            |line: usize, text: &str| source.lines[line - 1].iter().find(|piece| piece.1 == text).map(|piece| piece.0);
        assert_eq!(role_of(1, "/// Doc."), Some(Role::Comment));
        assert_eq!(role_of(2, "instrument"), Some(Role::Macro));
        assert_eq!(role_of(2, "]"), Some(Role::Macro));
        assert_eq!(role_of(3, "fn"), Some(Role::Keyword));
        assert_eq!(role_of(3, "spawn"), Some(Role::Plain));
        assert_eq!(role_of(3, "Job"), Some(Role::Type));
        assert_eq!(role_of(4, "\"}\""), Some(Role::Text));
        assert_eq!(role_of(5, "1"), Some(Role::Number));
        assert_eq!(role_of(6, "done"), Some(Role::Macro));
    }
}
