//! Format strings: flags, argument numbers, width, precision and verb.

use super::{Flags, Printer};
use crate::value::Value;

/// The largest width and precision.
const LARGEST: usize = 1_000_000;

/// Reads a format string while it prints.
struct Format<'a> {
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    arg: usize,
    /// Whether an argument number was just read.
    after_index: bool,
    /// Whether the argument numbers of this verb are right.
    index_fits: bool,
    /// Whether any verb had an argument number.
    reordered: bool,
}

/// Prints `args` into `printer` as `format` says.
pub(super) fn format_into(printer: &mut Printer, format: &[u8], args: &[Value]) {
    let mut state = Format {
        format,
        at: 0,
        args,
        arg: 0,
        after_index: false,
        index_fits: true,
        reordered: false,
    };
    while state.at < format.len() && !printer.is_full() {
        let rest = &format[state.at..];
        let plain = rest.iter().position(|b| *b == b'%').unwrap_or(rest.len());
        printer.out.extend_from_slice(&rest[..plain]);
        state.at += plain;
        if state.at < format.len() {
            state.at += 1;
            state.verb(printer);
        }
    }
    state.extra(printer);
}

impl Format<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// One verb with all that belongs to it.
    fn verb(&mut self, printer: &mut Printer) {
        printer.flags = Flags::default();
        self.index_fits = true;
        self.flags(&mut printer.flags);
        self.argument_number();
        self.width(printer);
        self.precision(printer);
        if !self.after_index {
            self.argument_number();
        }
        let Some((verb, size)) = first_char(&self.format[self.at..]) else {
            return printer.write("%!(NOVERB)");
        };
        self.at += size;
        self.after_index = false;
        if verb == '%' {
            return printer.write("%");
        }
        let arg = match self.args.get(self.arg) {
            _ if !self.index_fits => return complain(printer, verb, "(BADINDEX)"),
            None => return complain(printer, verb, "(MISSING)"),
            Some(arg) => arg,
        };
        if matches!(verb, 'v' | 'w') {
            printer.flags.sharp_v = std::mem::replace(&mut printer.flags.sharp, false);
            printer.flags.plus_v = std::mem::replace(&mut printer.flags.plus, false);
        }
        printer.arg(arg, verb);
        self.arg += 1;
    }

    fn flags(&mut self, flags: &mut Flags) {
        loop {
            match self.peek() {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    fn width(&mut self, printer: &mut Printer) {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.number_argument();
            if width.is_none() {
                printer.write("%!(BADWIDTH)");
            }
            if width.is_some_and(|width| width < 0) {
                printer.flags.minus = true;
                printer.flags.zero = false;
            }
            printer.flags.width = width.map(|width| magnitude(width.unsigned_abs()));
            self.after_index = false;
        } else {
            printer.flags.width = self.number();
            if self.after_index && printer.flags.width.is_some() {
                self.index_fits = false;
            }
        }
    }

    fn precision(&mut self, printer: &mut Printer) {
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return;
        }
        self.at += 1;
        if self.after_index {
            self.index_fits = false;
        }
        self.argument_number();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let precision = self.number_argument().filter(|precision| 0 <= *precision);
            if precision.is_none() {
                printer.write("%!(BADPREC)");
            }
            printer.flags.precision = precision.map(|n| magnitude(n.unsigned_abs()));
            self.after_index = false;
        } else {
            printer.flags.precision = Some(self.number().unwrap_or(0));
        }
    }

    /// Digits; none if there are none or they are too large, which also ends the format.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let value = number.unwrap_or(0);
            if value > LARGEST {
                self.at = self.format.len();
                return None;
            }
            number = Some(value * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// The next argument as a width or a precision.
    fn number_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.arg)?;
        self.arg += 1;
        match arg {
            Value::Int(int, _) if magnitude(int.unsigned_abs()) <= LARGEST => Some(*int),
            _ => None,
        }
    }

    /// `[n]`: the number of the argument to print next.
    fn argument_number(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(close) = rest.iter().position(|b| *b == b']') else {
            self.index_fits = false;
            self.at += 1;
            return;
        };
        self.at += close + 1;
        let index = std::str::from_utf8(&rest[1..close])
            .ok()
            .filter(|digits| !digits.starts_with('+'))
            .and_then(|digits| digits.parse::<usize>().ok());
        match index {
            Some(index) if (1..=self.args.len()).contains(&index) => {
                self.arg = index - 1;
                self.after_index = true;
            }
            index => {
                self.index_fits = false;
                self.after_index = index.is_some();
            }
        }
    }

    /// Complains about arguments that no verb asked for.
    fn extra(&self, printer: &mut Printer) {
        let left = self.args.get(self.arg..).unwrap_or_default();
        if self.reordered || left.is_empty() {
            return;
        }
        printer.flags = Flags::default();
        printer.write("%!(EXTRA ");
        for (i, arg) in left.iter().enumerate() {
            if 0 < i {
                printer.write(", ");
            }
            let name = arg.type_name().into_owned();
            printer.write(&name);
            if !matches!(arg, Value::Nil) {
                printer.write("=");
                printer.arg(arg, 'v');
            }
        }
        printer.write(")");
    }
}

fn magnitude(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn complain(printer: &mut Printer, verb: char, complaint: &str) {
    printer.write("%!");
    printer.write_char(verb);
    printer.write(complaint);
}

fn first_char(bytes: &[u8]) -> Option<(char, usize)> {
    let chunk = bytes.utf8_chunks().next()?;
    match chunk.valid().chars().next() {
        Some(c) => Some((c, c.len_utf8())),
        None => Some(('\u{fffd}', 1)),
    }
}
