//! Where in a file a byte of an expression stands.
//!
//! The file is compared with the expression before anything is claimed: a folded or escaped scalar has
//! no exact places.

use crate::model::Position;

/// A file by lines.
pub(super) struct Source<'a>(Vec<&'a str>);

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect())
    }

    /// The place of byte `offset` of `expr`, whose scalar starts at `start`.
    pub(super) fn place(&self, start: Position, expr: &str, offset: usize) -> Option<Position> {
        let line = self.line(start.line)?;
        let (first, _) = line.char_indices().nth(start.column.checked_sub(1)?)?;
        let rest = &line[first..];
        if rest.starts_with('|') {
            let inside = within(expr, offset);
            let number = start.line.checked_add(inside.line)?;
            let text = expr.lines().nth(inside.line - 1)?;
            let indent = self.line(number)?.strip_suffix(text)?;
            let is_indent = indent.bytes().all(|b| b == b' ');
            let column = indent.len().checked_add(inside.column)?;
            return is_indent.then_some(Position { line: number, column });
        }
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let body = quote.and_then(|quote| rest.strip_prefix(quote)).unwrap_or(rest);
        let expr_line = expr.trim_end();
        let after = body.strip_prefix(expr_line)?;
        if expr_line.contains('\n') || quote.is_some_and(|quote| !after.starts_with(quote)) {
            return None;
        }
        let inside = within(expr, offset);
        let column = start.column + usize::from(quote.is_some()) + inside.column - 1;
        Some(Position { line: start.line, column })
    }

    fn line(&self, number: usize) -> Option<&'a str> {
        self.0.get(number.checked_sub(1)?).copied()
    }
}

/// The line and the column of byte `offset` of a text.
pub(super) fn within(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
    Position { line, column: 1 + before[line_start..].chars().count() }
}
