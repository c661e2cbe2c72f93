//! Go's `fmt`: `Sprint`, `Sprintln` and `Sprintf`, with every verb, flag, width and complaint.
//!
//! Two differences, because addresses mean nothing here: `%p` is a bad verb, and a pointer inside of
//! a value (or to something that is no struct, list or map) prints what it points at.

use crate::value::{IntType, Value};

mod float;
pub(crate) mod quote;
mod spec;

pub(crate) use self::quote::quote;
use self::quote::{fits_backquotes, quote_char};
use self::spec::format_into;

/// Where a printed text may not grow beyond.
const UNBOUNDED: usize = usize::MAX;

/// `fmt.Sprint`, cut off beyond `limit` bytes.
pub(crate) fn sprint_within(args: &[Value], limit: usize) -> Vec<u8> {
    let mut printer = Printer::new(limit);
    printer.print(args);
    printer.out
}

/// `fmt.Sprintln`, cut off beyond `limit` bytes.
pub(crate) fn sprintln_within(args: &[Value], limit: usize) -> Vec<u8> {
    let mut printer = Printer::new(limit);
    for (i, arg) in args.iter().enumerate() {
        if 0 < i {
            printer.out.push(b' ');
        }
        printer.arg(arg, 'v');
    }
    printer.out.push(b'\n');
    printer.out
}

/// `fmt.Sprintf`, cut off beyond `limit` bytes.
pub(crate) fn sprintf_within(format: &[u8], args: &[Value], limit: usize) -> Vec<u8> {
    let mut printer = Printer::new(limit);
    format_into(&mut printer, format, args);
    printer.out
}

/// `fmt.Sprintf` with one float and a known good format, for the functions of this crate.
pub(crate) fn float(format: &str, value: f64) -> String {
    let out = sprintf_within(format.as_bytes(), &[Value::Float(value)], UNBOUNDED);
    String::from_utf8_lossy(&out).into_owned()
}

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`: with the names of fields.
    plus_v: bool,
    /// `%#v`: in Go's syntax.
    sharp_v: bool,
}

struct Printer {
    out: Vec<u8>,
    limit: usize,
    flags: Flags,
    /// Whether a bad verb is being reported; methods are not asked then.
    erroring: bool,
}

impl Printer {
    fn new(limit: usize) -> Self {
        Self { out: Vec::new(), limit, flags: Flags::default(), erroring: false }
    }

    /// Whether nothing more needs to be printed, since it will be refused.
    fn is_full(&self) -> bool {
        self.out.len() > self.limit
    }

    fn print(&mut self, args: &[Value]) {
        let mut after_text = true;
        for (i, arg) in args.iter().enumerate() {
            let is_text = matches!(arg, Value::Text(_));
            if 0 < i && !is_text && !after_text {
                self.out.push(b' ');
            }
            self.arg(arg, 'v');
            after_text = is_text;
        }
    }

    fn write(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn write_char(&mut self, c: char) {
        self.write(c.encode_utf8(&mut [0; 4]));
    }

    fn write_padding(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
    }

    /// Writes `bytes` in the field's width.
    fn pad(&mut self, bytes: &[u8]) {
        let width = self.flags.width.unwrap_or(0);
        let missing = width.saturating_sub(char_count(bytes));
        if self.flags.minus {
            self.out.extend_from_slice(bytes);
            self.write_padding(missing);
        } else {
            self.write_padding(missing);
            self.out.extend_from_slice(bytes);
        }
    }

    /// Like `pad`, never with zeros.
    fn pad_with_spaces(&mut self, bytes: &[u8]) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(bytes);
        self.flags.zero = zero;
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.erroring = true;
        self.write("%!");
        self.write_char(verb);
        self.write("(");
        if matches!(value, Value::Nil) {
            self.write("<nil>");
        } else {
            self.write(&value.type_name());
            self.write("=");
            self.arg(value, 'v');
        }
        self.write(")");
        self.erroring = false;
    }

    /// Prints an argument.
    fn arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Any(inner), _) => {
                let nothing = Value::Nil;
                self.arg(inner.as_deref().unwrap_or(&nothing), verb);
            }
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (_, 'T') => {
                let name = value.type_name().into_owned();
                self.string(name.as_bytes());
            }
            (Value::Nil, _) | (_, 'p') => self.bad_verb(value, verb),
            _ if self.by_method(value, verb) => {}
            (Value::Pointer(pointee), _) if is_composite(pointee) => {
                self.write("&");
                self.value(pointee, verb);
            }
            _ => self.value(value, verb),
        }
    }

    /// Prints a value by its own text form, if it has one that fits the verb.
    fn by_method(&mut self, value: &Value, verb: char) -> bool {
        if self.erroring {
            return false;
        }
        if verb == 'w' && !is_plain(value) {
            self.bad_verb(value, verb);
            return true;
        }
        if self.flags.sharp_v {
            let Some(text) = go_text_of(value) else { return false };
            self.string(text.as_bytes());
            return true;
        }
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return false;
        }
        let Some(text) = text_of(value) else { return false };
        self.text(value, text.as_bytes(), verb);
        true
    }

    /// Prints a value inside of another, or one without a text form.
    fn value(&mut self, value: &Value, verb: char) {
        if self.is_full() {
            return;
        }
        match value {
            Value::Nil if verb == 'v' => self.write("<nil>"),
            Value::Nil => self.bad_verb(value, verb),
            Value::Bool(truth) => self.boolean(value, *truth, verb),
            Value::Int(int, int_type) => self.integer(value, *int, *int_type, verb),
            Value::Float(float) => self.float(value, *float, verb),
            Value::Complex(real, imaginary) => self.complex(value, *real, *imaginary, verb),
            Value::Text(text) => self.text(value, text.as_bytes(), verb),
            Value::List(list) => self.list(list.type_name(), list.is_nil(), list.items(), verb),
            Value::Map(map) => self.map(map, verb),
            Value::Struct(inner) => self.fields(inner.type_name(), &inner.fields(), verb),
            // In place of the address.
            Value::Pointer(pointee) if matches!(verb, 'v' | 'b' | 'd' | 'o' | 'x' | 'X') => {
                self.write(if is_composite(pointee) { "&" } else { "" });
                self.value(pointee, verb);
            }
            Value::Pointer(_) => self.bad_verb(value, verb),
            Value::NilPointer(_) => self.pad(b"<nil>"),
            Value::Any(None) if self.flags.sharp_v => self.write("interface {}(nil)"),
            Value::Any(None) => self.write("<nil>"),
            Value::Any(Some(inner)) => self.element(inner, verb),
        }
    }

    /// Prints a value inside of another: by its text form, if it has one.
    fn element(&mut self, value: &Value, verb: char) {
        if !self.by_method(value, verb) {
            self.value(value, verb);
        }
    }

    fn separator(&mut self, index: usize) {
        if 0 < index {
            self.write(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn list(&mut self, type_name: &str, is_nil: bool, items: &[Value], verb: char) {
        if self.flags.sharp_v {
            self.write(type_name);
            if is_nil {
                return self.write("(nil)");
            }
        }
        self.write(if self.flags.sharp_v { "{" } else { "[" });
        for (i, item) in items.iter().enumerate() {
            self.separator(i);
            self.element(item, verb);
        }
        self.write(if self.flags.sharp_v { "}" } else { "]" });
    }

    fn map(&mut self, map: &crate::value::Map, verb: char) {
        if self.flags.sharp_v {
            self.write(map.type_name());
            self.write("{");
        } else {
            self.write("map[");
        }
        for (i, (key, value)) in map.iter().enumerate() {
            self.separator(i);
            self.value(&Value::Text(key.clone()), verb);
            self.write(":");
            self.element(value, verb);
        }
        self.write(if self.flags.sharp_v { "}" } else { "]" });
    }

    fn fields(&mut self, type_name: &str, fields: &[(&'static str, Value)], verb: char) {
        if self.flags.sharp_v {
            self.write(type_name);
        }
        self.write("{");
        for (i, (name, value)) in fields.iter().enumerate() {
            self.separator(i);
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name);
                self.write(":");
            }
            self.element(value, verb);
        }
        self.write("}");
    }

    fn boolean(&mut self, value: &Value, truth: bool, verb: char) {
        match verb {
            't' | 'v' => self.pad(if truth { b"true" } else { b"false" }),
            _ => self.bad_verb(value, verb),
        }
    }

    fn integer(&mut self, value: &Value, int: i64, int_type: IntType, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && int_type.is_unsigned() => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(int, 16, verb);
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.digits(int, 10, verb),
            'b' => self.digits(int, 2, verb),
            'o' | 'O' => self.digits(int, 8, verb),
            'x' | 'X' => self.digits(int, 16, verb),
            'c' => {
                let c = character(int);
                self.pad(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            'q' => {
                let quoted = quote_char(character(int), self.flags.plus);
                self.pad(quoted.as_bytes());
            }
            'U' => self.unicode(int),
            _ => self.bad_verb(value, verb),
        }
    }

    /// An integer in a radix, with sign, prefix, precision and width.
    fn digits(&mut self, int: i64, radix: u64, verb: char) {
        let flags = self.flags;
        let mut least = 0;
        if let Some(precision) = flags.precision {
            least = precision;
            if precision == 0 && int == 0 {
                return self.pad_with_spaces(b"");
            }
        } else if let Some(width) = flags.width
            && flags.zero
            && !flags.minus
        {
            let signed = int < 0 || flags.plus || flags.space;
            least = width.saturating_sub(usize::from(signed));
        }
        let mut text = in_radix(int.unsigned_abs(), radix, verb == 'X');
        let missing = least.saturating_sub(text.len());
        text.insert_str(0, &"0".repeat(missing));
        let prefix = match radix {
            2 if flags.sharp => "0b",
            8 if flags.sharp && !text.starts_with('0') => "0",
            16 if flags.sharp && verb == 'X' => "0X",
            16 if flags.sharp => "0x",
            _ => "",
        };
        text.insert_str(0, prefix);
        if verb == 'O' {
            text.insert_str(0, "0o");
        }
        text.insert_str(0, sign(int < 0, flags));
        self.pad_with_spaces(text.as_bytes());
    }

    fn unicode(&mut self, int: i64) {
        let code = int.cast_unsigned();
        let least = self.flags.precision.unwrap_or(4).max(4);
        let digits = in_radix(code, 16, true);
        let mut text = format!("U+{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        let known = u32::try_from(code).ok().and_then(char::from_u32);
        if let Some(c) = known.filter(|c| self.flags.sharp && crate::unicode::is_printable(*c)) {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with_spaces(text.as_bytes());
    }

    fn complex(&mut self, value: &Value, real: f64, imaginary: f64, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        self.write("(");
        self.float(value, real, verb);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(value, imaginary, verb);
        self.flags.plus = plus;
        self.write("i)");
    }

    fn float(&mut self, value: &Value, float: f64, verb: char) {
        let (layout, default) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(default);
        let text = float::format(float, layout, precision);
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        if !float.is_finite() {
            let shown = sign(negative, self.flags);
            let infinite = if float.is_nan() || !shown.is_empty() { shown } else { "+" };
            return self.pad_with_spaces(format!("{infinite}{digits}").as_bytes());
        }
        let mut digits = digits.to_owned();
        if self.flags.sharp && layout != 'b' {
            digits = float::with_point(digits, layout, precision);
        }
        let sign = sign(negative, self.flags);
        let length = sign.len() + digits.len();
        let width = self.flags.width.unwrap_or(0);
        if !sign.is_empty() && self.flags.zero && !self.flags.minus && width > length {
            self.write(sign);
            self.write_padding(width - length);
            return self.write(&digits);
        }
        self.pad(format!("{sign}{digits}").as_bytes());
    }

    fn text(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'x' | 'X' => self.hex(text, verb == 'X'),
            'q' => self.quoted(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn truncated<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        match self.flags.precision {
            Some(precision) => &text[..prefix_of_chars(text, precision)],
            None => text,
        }
    }

    fn string(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        self.pad(text);
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && fits_backquotes(text) {
            let quoted = [b"`", text, b"`"].concat();
            return self.pad(&quoted);
        }
        let quoted = quote(text, self.flags.plus);
        self.pad(quoted.as_bytes());
    }

    /// Each byte as two hexadecimal digits.
    fn hex(&mut self, text: &[u8], upper: bool) {
        let length = self.flags.precision.map_or(text.len(), |precision| precision.min(text.len()));
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut out = String::new();
        for (i, byte) in text[..length].iter().enumerate() {
            if self.flags.space && 0 < i {
                out.push(' ');
            }
            if self.flags.space || i == 0 {
                out.push_str(prefix);
            }
            let digits = if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            out.push_str(&digits);
        }
        self.pad(out.as_bytes());
    }
}

fn sign(negative: bool, flags: Flags) -> &'static str {
    match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn character(int: i64) -> char {
    u32::try_from(int).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}

fn in_radix(value: u64, radix: u64, upper: bool) -> String {
    match (radix, upper) {
        (2, _) => format!("{value:b}"),
        (8, _) => format!("{value:o}"),
        (16, false) => format!("{value:x}"),
        (16, true) => format!("{value:X}"),
        _ => value.to_string(),
    }
}

/// How many characters `bytes` are; a byte that is not UTF-8 is one.
fn char_count(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// How many bytes the first `count` characters are.
fn prefix_of_chars(bytes: &[u8], count: usize) -> usize {
    let (mut at, mut left) = (0, count);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return at;
            }
            left -= 1;
            at += c.len_utf8();
        }
        let taken = chunk.invalid().len().min(left);
        left -= taken;
        at += taken;
    }
    at
}

/// Whether a pointer to it prints with `&` before it.
fn is_composite(value: &Value) -> bool {
    matches!(value, Value::Struct(_) | Value::List(_) | Value::Map(_))
}

/// Whether it is of a type of the language itself, without methods.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Bool(_) | Value::Float(_) | Value::Complex(..) => true,
        Value::Int(_, int_type) => matches!(
            int_type,
            IntType::Int | IntType::Int32 | IntType::Int64 | IntType::Uint8 | IntType::Uint32
        ),
        Value::Text(text) => !text.is_safe_html(),
        _ => false,
    }
}

/// The text form of a value, or of what it points at.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Int(int, int_type) => int_type.text(*int),
        Value::Struct(inner) => inner.text(),
        Value::Pointer(pointee) => text_of(pointee),
        _ => None,
    }
}

fn go_text_of(value: &Value) -> Option<String> {
    match value {
        Value::Struct(inner) => inner.go_text(),
        Value::Pointer(pointee) => go_text_of(pointee),
        _ => None,
    }
}
